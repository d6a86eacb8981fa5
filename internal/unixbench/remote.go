package unixbench

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"
)

// Program returns the built-in suite's program as Extract writes it, or nil on an architecture that has none.
func Program() []byte {
	if len(program) == 0 {
		return nil
	}
	padded := make([]byte, max(paddedSize, len(program)))
	copy(padded, program)
	return padded
}

// writePiece is the size of the pieces in which the program is written, in bytes. Where the page cache has large folios
// for files (ext4 since 6.16, xfs since 5.18), what is written at once is mapped at once, at a fraction of the cost. A
// libc was read in small pieces instead. With pieces of 4, 8 and 16 KiB execl takes 991, 889 and 770 thousand
// instructions in the kernel, UnixBench's own 868 thousand (6.18, ext4).
const writePiece = 8192

// WriteProgram writes Program to f, which must be a new file.
func WriteProgram(f io.Writer) error {
	for piece := range slices.Chunk(Program(), writePiece) {
		if _, err := f.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// Remote talks to a test that was started elsewhere with the arguments TEST --sliced, through its standard input and
// output.
type Remote struct {
	Requests io.Writer
	Replies  io.Reader
}

// Ready waits until the test is set up and parked.
func (r Remote) Ready() error {
	_, _, err := r.reply()
	return err
}

// Slice does what Parked.Slice does.
func (r Remote) Slice(d, warmup time.Duration) (ops, ns uint64, err error) {
	request := binary.NativeEndian.AppendUint64(nil, uint64(max(warmup, 0)))
	request = binary.NativeEndian.AppendUint64(request, uint64(max(d, 1)))
	if _, err := r.Requests.Write(request); err != nil {
		return 0, 0, err
	}
	ops, ns, err = r.reply()
	if err == nil && (ops == 0 || ns == 0) {
		err = errors.New("no operation was counted")
	}
	return ops, ns, err
}

func (r Remote) reply() (ops, ns uint64, err error) {
	var reply [16]byte
	_, err = io.ReadFull(r.Replies, reply[:])
	return binary.NativeEndian.Uint64(reply[:]), binary.NativeEndian.Uint64(reply[8:]), err
}
