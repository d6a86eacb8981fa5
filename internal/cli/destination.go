package cli

import (
	"errors"
	"io"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
)

// errNothing keeps a file from being written.
var errNothing = errors.New("nothing to write")

// produce runs a command whose result goes to the file of --output, or to stdout. A command that fails leaves an
// earlier file as it is; a verdict, which has its own exit code, is no failure.
func (s streams) produce(d *cmdline.Destination, run func(streams) error) error {
	s.note(d.Note)
	if d.Path == "" || d.Path == "-" {
		return run(s)
	}
	f, err := atomicfile.Create(d.Path)
	if err != nil {
		return err
	}
	f.KeepOld = true
	var result error
	kept, err := f.Commit(func(w io.Writer) error {
		to := s
		to.out = w
		result = run(to)
		if result == nil || errors.As(result, new(unsupportedError)) || errors.As(result, new(exitError)) {
			return nil
		}
		return errNothing
	})
	if errors.Is(err, errNothing) {
		return result
	}
	if err == nil {
		s.note(wrote(d.Path, kept))
	}
	return errors.Join(result, err)
}

// wrote returns the sentence about a file that was written, and about an earlier one that was kept.
func wrote(path string, keptOld bool) string {
	s := "wrote " + path
	if keptOld {
		s += " (kept the earlier one as " + path + atomicfile.OldSuffix + ")"
	}
	return s
}
