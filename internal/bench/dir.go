package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Dir is a run directory that this process works on. Nobody else can meanwhile.
type Dir struct {
	Path    string
	Info    rundir.Info
	lock    *os.File
	journal *journal
}

// Create makes a run directory, which must not hold a run yet.
func Create(path string, info rundir.Info) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(path, rundir.InfoFile)); err == nil {
		return nil, fmt.Errorf("run directory %s: holds a run already; go on with it by --resume, or give another --dir", path)
	}
	d, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	info.Schema = rundir.RunSchema
	d.Info = info
	if err := d.SaveInfo(); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d.open()
}

// Open continues a run.
func Open(path string) (*Dir, error) {
	if _, err := os.Stat(filepath.Join(path, rundir.InfoFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run directory %s: no %s in it; `lsmprof bench --dir %s` begins one", path, rundir.InfoFile, path)
	}
	d, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(path, rundir.InfoFile))
	if err == nil {
		err = json.Unmarshal(data, &d.Info)
	}
	if err == nil && d.Info.Schema != rundir.RunSchema {
		err = fmt.Errorf("schema %q, this lsmprof writes %q: use the lsmprof that began it", d.Info.Schema, rundir.RunSchema)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("run directory %s: %s: %w", path, rundir.InfoFile, err), d.lock.Close())
	}
	return d.open()
}

func lockDir(path string) (*Dir, error) {
	lock, err := os.OpenFile(filepath.Join(path, rundir.LockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("run directory %s: another lsmprof bench is at work on it", path)
		}
		return nil, fmt.Errorf("lock run directory %s: %w", path, err)
	}
	return &Dir{Path: path, lock: lock}, nil
}

func (d *Dir) open() (_ *Dir, err error) {
	if d.journal, err = openJournal(d.File(rundir.ResultsFile)); err == nil {
		err = syncDir(d.Path)
	}
	if err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// File is a path in the directory.
func (d *Dir) File(parts ...string) string {
	return filepath.Join(append([]string{d.Path}, parts...)...)
}

// SaveInfo writes run.json.
func (d *Dir) SaveInfo() error {
	if d.Info.Warnings == nil {
		d.Info.Warnings = []string{}
	}
	return d.writeJSON(rundir.InfoFile, d.Info)
}

func (d *Dir) writeJSON(name string, v any) error {
	return d.write(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// write replaces a file: it has its old content or the new one, whatever happens.
func (d *Dir) write(name string, content func(io.Writer) error) error {
	path := d.File(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, content)
}

// syncDir makes new names in a directory outlive a power loss.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Warn notes what a reader must know before trusting the numbers, once.
func (d *Dir) Warn(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	for _, old := range d.Info.Warnings {
		if old == w {
			return
		}
	}
	d.Info.Warnings = append(d.Info.Warnings, w)
}

// Results are the rounds that are complete: a round of a test counts once all scenarios have a line. Where a round was repeated,
// the last one counts.
func (d *Dir) Results() []rundir.Result { return rundir.Complete(&d.Info.Plan, d.journal.results) }

// Analyze works out what the results say.
func (d *Dir) Analyze(explained map[string]map[string]rundir.Explained) rundir.Analysis {
	return rundir.Analyze(&d.Info.Plan, d.Results(), explained)
}

// Append adds finished results.
func (d *Dir) Append(results []rundir.Result) error {
	if err := d.journal.append(results); err != nil {
		return fmt.Errorf("write %s: %w", d.File(rundir.ResultsFile), err)
	}
	return nil
}

// Close lets others work on the directory.
func (d *Dir) Close() error {
	return errors.Join(d.journal.Close(), d.lock.Close())
}
