package vmtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// frameKind is the kind of a frame on the guest's second serial port.
type frameKind byte

const (
	frameBegin   frameKind = 'B' // the guest is ready, the command starts: from here on nothing is retried
	frameStdout  frameKind = 'O'
	frameStderr  frameKind = 'E'
	frameNote    frameKind = 'N' // a message of the guest's init
	frameFailed  frameKind = 'F' // init could not prepare the guest or save its files; the payload says why
	frameExit    frameKind = 'X' // payload: the command's exit status, one byte
	frameMax               = 1 << 20
	frameMagic             = 0xA5
	frameHeadLen           = 6
)

// frameWriter interleaves whole frames of several writers on one stream.
type frameWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *frameWriter) send(kind frameKind, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	frame := make([]byte, frameHeadLen, frameHeadLen+len(payload))
	frame[0], frame[1] = frameMagic, byte(kind)
	binary.LittleEndian.PutUint32(frame[2:], uint32(len(payload)))
	_, err := f.w.Write(append(frame, payload...))
	return err
}

// stream is an io.Writer whose bytes travel as frames of one kind.
func (f *frameWriter) stream(kind frameKind) io.Writer { return frameStream{f, kind} }

type frameStream struct {
	f    *frameWriter
	kind frameKind
}

func (s frameStream) Write(p []byte) (int, error) {
	if err := s.f.send(s.kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// readFrame returns io.EOF at a clean end of the stream.
func readFrame(r io.Reader) (frameKind, []byte, error) {
	var head [frameHeadLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[2:])
	if head[0] != frameMagic || n > frameMax {
		return 0, nil, fmt.Errorf("guest's serial port: %q is not a frame; what else writes to it?", head[:])
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return frameKind(head[1]), payload, nil
}
