package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// ErrDiskFull means that there is no space for the results of a round. Only that round is lost.
var ErrDiskFull = errors.New("the file system is full")

// journal is results.jsonl: lines are only ever appended, and are on the disk when append returns.
type journal struct {
	f       *os.File
	results []rundir.Result
}

// openJournal reads the results. A last line that a crash or a full disk cut short is removed.
func (d *Dir) openJournal() (*journal, error) {
	f, err := d.openFile(rundir.ResultsFile, unix.O_RDWR|unix.O_CREAT|unix.O_APPEND)
	if err != nil {
		return nil, err
	}
	j := &journal{f: f}
	var whole int64
	j.results, whole, err = rundir.ReadResults(f)
	for i := 0; i < len(j.results) && err == nil; i++ {
		if err = d.Info.Plan.CheckResult(&j.results[i]); err != nil {
			err = fmt.Errorf("line %d: %w; remove the line to go on without it", i+1, err)
		}
	}
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", rundir.ResultsFile, err), f.Close())
	}
	return j, nil
}

// append writes the lines in one piece and syncs them. After an error none of them is left.
func (j *journal) append(results []rundir.Result) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for i := range results {
		if err := e.Encode(&results[i]); err != nil {
			return err
		}
	}
	end, err := j.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	_, err = j.f.Write(b.Bytes())
	if err == nil {
		err = j.f.Sync()
	}
	if err == nil {
		err = j.present()
	}
	if err != nil {
		err = errors.Join(err, j.f.Truncate(end))
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return ErrDiskFull
		}
		return err
	}
	j.results = append(j.results, results...)
	return nil
}

// present fails if the file was deleted: writing still succeeds then, but the results would be lost.
func (j *journal) present() error {
	var st unix.Stat_t
	if err := unix.Fstat(int(j.f.Fd()), &st); err != nil {
		return err
	}
	if st.Nlink == 0 {
		return errors.New("it was deleted while the bench was running")
	}
	return nil
}

func (j *journal) Close() error { return j.f.Close() }
