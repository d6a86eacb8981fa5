package rundir

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// Limits on what is read, in bytes. A run directory may come from an attacker. The files that bench writes are far
// smaller.
const (
	maxFile    = 64 << 20  // run.json, explained.json
	maxResults = 256 << 20 // results.jsonl
	maxLine    = 1 << 20   // of results.jsonl
	maxProfile = 2 << 20   // uncompressed, of a cell
	maxSingle  = 64 << 20  // uncompressed, of a profile that is not in a run directory
)

const (
	maxMessages = 50_000    // in a profile of a cell
	mostSingle  = 2_000_000 // in a profile that is not in a run directory
	maxCells    = 100_000   // tests times scenarios of a plan
)

// Open reads the run directory at path. It opens no file through a link that leads out of the directory, and none that
// is not regular: reading a FIFO would block.
func Open(path string) (*Run, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return Read(regularFiles{root})
}

// regularFiles is a file system that opens the regular files below a folder.
type regularFiles struct{ root *os.Root }

// Open implements fs.FS.
func (r regularFiles) Open(name string) (fs.File, error) {
	// O_NONBLOCK: opening a FIFO for reading waits for a writer.
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func readFile(dir fs.FS, name string, most int64) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, most)
}

func readAll(r io.Reader, name string, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s has more than %d MiB", name, most>>20)
	}
	return data, err
}

// OpenProfile reads a profile of lsmprof that is not in a run directory, as Open reads files.
func OpenProfile(path string) (*pprof.Profile, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	return ReadProfile(f, path)
}

// ReadProfile reads a profile of lsmprof, and names it so in errors.
func ReadProfile(r io.Reader, name string) (*pprof.Profile, error) {
	data, err := readAll(r, name, maxSingle)
	if err != nil {
		return nil, err
	}
	p, err := parseProfile(data, name, maxSingle, mostSingle)
	if err != nil {
		return nil, err
	}
	if sampleIndex(p, profile.HookTime) < 0 || sampleIndex(p, profile.BodyTime) < 0 {
		return nil, fmt.Errorf("%s is not a profile of lsmprof: it has no sample type %s", name,
			profile.HookTime)
	}
	return p, nil
}

// parseProfile parses a profile that may be hostile: its size is bounded before and after inflating it, and so is the
// number of its messages, each of which takes much more memory than it has bytes.
func parseProfile(data []byte, name string, most int64, messages int) (*pprof.Profile, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if data, err = readAll(z, name, most); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if n := countMessages(data); n > messages {
		return nil, fmt.Errorf("%s has more than %d samples, locations and functions", name, messages)
	}
	p, err := pprof.ParseUncompressed(data)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not a profile of lsmprof record: %w", name, err)
	}
	for _, t := range p.SampleType {
		if name := oldTypes[t.Type]; name != "" {
			t.Type = name
		}
	}
	if name := oldTypes[p.DefaultSampleType]; name != "" {
		p.DefaultSampleType = name
	}
	return p, nil
}

// oldTypes maps the names that sample types had in older versions to those that they have now.
var oldTypes = map[string]string{"body": profile.BodyTime, "hook": profile.HookTime}

// countMessages counts the fields of a protobuf message.
func countMessages(data []byte) (n int) {
	for len(data) > 0 {
		tag, size := binary.Uvarint(data)
		if size <= 0 {
			return n // the parser will say what is wrong
		}
		data, n = data[size:], n+1
		skip := uint64(0)
		switch tag & 7 {
		case 0:
			_, size := binary.Uvarint(data)
			skip = uint64(max(size, 0))
			if size <= 0 {
				return n
			}
		case 1:
			skip = 8
		case 2:
			length, size := binary.Uvarint(data)
			if size <= 0 {
				return n
			}
			data, skip = data[size:], length
		case 5:
			skip = 4
		default:
			return n
		}
		if skip > uint64(len(data)) {
			return n
		}
		data = data[skip:]
	}
	return n
}
