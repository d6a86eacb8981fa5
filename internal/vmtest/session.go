package vmtest

import (
	"errors"
	"fmt"
	"io"
)

// session is the host's side of one boot: what the guest has sent so far.
type session struct {
	*Config
	deadline *deadline
	began    bool
	status   int    // -1: none yet
	failed   string // why the guest's init gave up
	broken   error  // the stream could not be decoded
}

// read takes frames until the guest ends.
func (s *session) read(control io.Reader) {
	for {
		kind, payload, err := readFrame(control)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return // a guest may die in the middle of a frame
		}
		if err != nil {
			s.broken = err
			return
		}
		switch kind {
		case frameBegin:
			s.began = true
			s.deadline.reset(s.timeout())
		case frameStdout:
			s.Stdout.Write(payload)
		case frameStderr:
			s.Stderr.Write(payload)
		case frameNote:
			fmt.Fprintf(s.Log, "vm: %s\n", payload)
		case frameFailed:
			s.failed = string(payload)
		case frameExit:
			if len(payload) == 1 {
				s.status = int(payload[0])
			}
		}
	}
}
