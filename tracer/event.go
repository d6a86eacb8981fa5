package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/lsmprof/lsmprof/bpf"
)

const (
	eventSize = int(unsafe.Sizeof(bpf.TraceEvent{}))
	noReading = ^uint64(0) // NO_READING of bpf/types.h
)

// rawEvent is what a probe emitted for one call.
type rawEvent struct {
	bpf.TraceEvent
	about        []byte
	kernel, user []uint64 // return addresses, innermost first
}

var errEvent = errors.New("damaged event")

// decodeEvent decodes a record, which the kernel may pad with up to seven bytes. The event shares no memory with raw.
func decodeEvent(raw []byte) (e rawEvent, err error) {
	if len(raw) < eventSize {
		return e, fmt.Errorf("%w: %d bytes, fewer than the %d of the header", errEvent, len(raw), eventSize)
	}
	if _, err := binary.Decode(raw[:eventSize], binary.NativeEndian, &e.TraceEvent); err != nil {
		return e, fmt.Errorf("%w: %w", errEvent, err)
	}
	about, kernel, user := int(e.About), int(e.KernelStack), int(e.UserStack)
	payload := raw[eventSize:]
	if kernel%8 != 0 || user%8 != 0 || about+kernel+user > len(payload) {
		return e, fmt.Errorf("%w: parts of %d, %d and %d bytes in %d",
			errEvent, about, kernel, user, len(payload))
	}
	e.about = append(e.about, payload[:about]...)
	e.kernel = addresses(payload[about : about+kernel])
	e.user = addresses(payload[about+kernel : about+kernel+user])
	return e, nil
}

func addresses(b []byte) (out []uint64) {
	for ; len(b) >= 8; b = b[8:] {
		out = append(out, binary.NativeEndian.Uint64(b))
	}
	return out
}

// end returns when the call ended, CLOCK_MONOTONIC in ns.
func (e *rawEvent) end() uint64 {
	if e.Reading == noReading {
		return e.Start
	}
	return e.Start + e.Reading
}
