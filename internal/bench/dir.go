package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Dir is a run directory that this process works on. Its lock keeps other processes out. It is not safe for concurrent
// use.
//
// The directory is opened once, and every file is opened relative to that descriptor. Whoever can write to a directory
// above it can therefore not redirect what lsmprof, usually as root, writes.
type Dir struct {
	Path string
	Info rundir.Info

	dir       *os.File
	lock      *os.File
	journal   *journal
	explained map[string]map[string]rundir.Explained
	sources   rundir.Sources   // nil: none was added
	analysis  *rundir.Analysis // nil: not computed since the last change
}

// Errors of Create and Open that a caller can remedy.
var (
	ErrHoldsRun = errors.New("it holds results already")
	ErrNoRun    = errors.New("it holds no run")
	ErrSchema   = errors.New("another version of lsmprof made it")
)

// Create makes a run directory, whose parent must exist, or takes an existing one of this user that holds no results.
func Create(path string, info rundir.Info) (_ *Dir, err error) {
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	d, err := openDir(path)
	if err != nil {
		return nil, err
	}
	defer d.closeAfter(&err)
	holds, err := d.holdsResults()
	if holds {
		err = ErrHoldsRun
	}
	if err != nil {
		return nil, d.wrap(err)
	}
	d.Info = info
	d.Info.Schema = rundir.RunSchema
	if err := d.SaveInfo(); err != nil {
		return nil, err
	}
	return d, d.open()
}

// holdsResults reports whether anything was measured. A bench that failed before its first round leaves a directory
// that another one may take.
func (d *Dir) holdsResults() (bool, error) {
	f, err := d.openFile(rundir.ResultsFile, unix.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Size() > 0, err
}

// CreateNew makes a run directory named after base, with a number appended if that name is taken.
func CreateNew(base string, info rundir.Info) (*Dir, error) {
	const most = 1000
	path := base
	for n := 2; ; n++ {
		switch err := os.Mkdir(path, 0o755); {
		case err == nil:
			return Create(path, info)
		case n > most || !errors.Is(err, fs.ErrExist):
			return nil, fmt.Errorf("run directory: %w", err)
		}
		path = fmt.Sprintf("%s-%d", base, n)
	}
}

// Open continues the run in a directory. It refuses a directory that another user could have changed: the plan in it
// names commands to run.
func Open(path string) (_ *Dir, err error) {
	d, err := openDir(path)
	if err != nil {
		return nil, err
	}
	defer d.closeAfter(&err)
	data, err := d.readFile(rundir.InfoFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = ErrNoRun
	case err == nil:
		err = json.Unmarshal(data, &d.Info)
	}
	if err == nil && d.Info.Schema != rundir.RunSchema {
		err = fmt.Errorf("%w: its schema is %q, not %q", ErrSchema, d.Info.Schema, rundir.RunSchema)
	}
	if err == nil {
		err = d.Info.Plan.Check()
	}
	if err != nil {
		return nil, d.wrap(err)
	}
	return d, d.open()
}

// openDir opens and locks a directory.
func openDir(path string) (_ *Dir, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			err = errors.New("is not a directory, or is a symbolic link to one")
		}
		return nil, fmt.Errorf("run directory %s: %w", path, err)
	}
	d := &Dir{Path: path, dir: os.NewFile(uintptr(fd), path)}
	defer d.closeAfter(&err)
	if err := onlyOurs(fd); err != nil {
		return nil, d.wrap(err)
	}
	if d.lock, err = d.openFile(rundir.LockFile, unix.O_RDWR|unix.O_CREAT); err != nil {
		return nil, d.wrap(err)
	}
	if err := unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("another lsmprof bench is working on it")
		}
		return nil, d.wrap(err)
	}
	return d, nil
}

// onlyOurs checks that nobody but this user can change what a directory holds.
func onlyOurs(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch {
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, but lsmprof runs as user %d and writes only to its own run "+
			"directories", st.Uid, os.Geteuid())
	case st.Mode&0o022 != 0:
		return errors.New("other users can write to it: chmod go-w")
	}
	return nil
}

// open reads what earlier benches measured.
func (d *Dir) open() (err error) {
	if d.journal, err = d.openJournal(); err != nil {
		return d.wrap(err)
	}
	if d.explained, err = d.readExplained(); err != nil {
		return d.wrap(err)
	}
	return d.dir.Sync()
}

func (d *Dir) wrap(err error) error { return fmt.Errorf("run directory %s: %w", d.Path, err) }

// closeAfter closes the directory if *err is set.
func (d *Dir) closeAfter(err *error) {
	if *err != nil {
		*err = errors.Join(*err, d.Close())
	}
}

// Close lets other processes work on the directory.
func (d *Dir) Close() error {
	var all error
	if d.journal != nil {
		all = d.journal.Close()
	}
	if d.lock != nil {
		all = errors.Join(all, d.lock.Close())
	}
	return errors.Join(all, d.dir.Close())
}

// File returns the path of a file in the directory.
func (d *Dir) File(parts ...string) string {
	return filepath.Join(append([]string{d.Path}, parts...)...)
}

// Warn adds a warning to run.json, for whoever reads the results, unless it has the same already. SaveInfo writes it.
func (d *Dir) Warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); !slices.Contains(d.Info.Warnings, w) {
		d.Info.Warnings = append(d.Info.Warnings, w)
	}
}

// Started reports whether the directory has results.
func (d *Dir) Started() bool { return len(d.journal.results) > 0 }

// Results returns the results of complete rounds.
func (d *Dir) Results() []rundir.Result { return rundir.Complete(&d.Info.Plan, d.journal.results) }

// Explained returns what profile runs found, by test and scenario. The caller must not change it.
func (d *Dir) Explained() map[string]map[string]rundir.Explained { return d.explained }

// Analysis returns what the results say. It is computed again only if something was measured since the last call.
func (d *Dir) Analysis() rundir.Analysis {
	if d.analysis == nil {
		a := rundir.Analyze(&d.Info.Plan, d.Results(), d.explained)
		d.analysis = &a
	}
	return *d.analysis
}

// cell returns the analysis of a test under a scenario, or nil if no round of it is complete.
func (d *Dir) cell(test, scenario string) *rundir.Cell {
	a := d.Analysis()
	i := slices.IndexFunc(a.Cells, func(c rundir.Cell) bool { return c.Test == test && c.Scenario == scenario })
	if i < 0 {
		return nil
	}
	return &a.Cells[i]
}
