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

// journal is results.jsonl: lines are only ever appended, and are on the disk when append returns.
type journal struct {
	f       *os.File
	results []rundir.Result
}

// openJournal reads what is there. A last line that was cut, by a crash or a full disk, is cut off.
func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{f: f}
	var whole int64
	j.results, whole, err = rundir.ReadResults(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

// append writes the lines in one piece and syncs them. After an error nothing of them is left.
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
	if err != nil {
		err = errors.Join(err, j.f.Truncate(end))
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return fmt.Errorf("%w; make room and go on with --resume", err)
		}
		return err
	}
	j.results = append(j.results, results...)
	return nil
}

func (j *journal) Close() error { return j.f.Close() }
