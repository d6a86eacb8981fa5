package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
)

// maxFile is the largest size of a file of a run directory that is read whole, in bytes.
const maxFile = 256 << 20

// openFile opens a regular file of the directory and follows no link.
func (d *Dir) openFile(name string, flags int) (*os.File, error) {
	// Opening a FIFO must not wait for its other end.
	fd, err := unix.Openat(int(d.dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), d.File(name))
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *Dir) readFile(name string) ([]byte, error) {
	f, err := d.openFile(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return data, err
}

// write replaces a file, whose name may have folders: it has its old content or the new one, whatever happens.
func (d *Dir) write(name string, content func(io.Writer) error) error {
	folder, err := d.folder(path.Dir(name))
	if err != nil {
		return fmt.Errorf("write %s: %w", d.File(name), err)
	}
	defer folder.Close()
	return atomicfile.WriteIn(folder, path.Base(name), content)
}

// folder opens a folder of the directory, and makes it if it is missing.
func (d *Dir) folder(name string) (*os.File, error) {
	at, err := openFolder(d.dir, ".")
	for part := range strings.SplitSeq(name, "/") {
		if err != nil {
			return nil, err
		}
		if err := unix.Mkdirat(int(at.Fd()), part, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, errors.Join(&os.PathError{Op: "mkdir", Path: at.Name() + "/" + part, Err: err},
				at.Close())
		}
		above := at
		at, err = openFolder(above, part)
		err = errors.Join(err, above.Close())
	}
	return at, err
}

func openFolder(in *os.File, name string) (*os.File, error) {
	fd, err := unix.Openat(int(in.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: in.Name() + "/" + name, Err: err}
	}
	return os.NewFile(uintptr(fd), path.Join(in.Name(), name)), nil
}

func (d *Dir) writeJSON(name string, v any) error {
	return d.write(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

func (d *Dir) writeBytes(name string, data []byte) error {
	return d.write(name, func(w io.Writer) error {
		_, err := bytes.NewReader(data).WriteTo(w)
		return err
	})
}
