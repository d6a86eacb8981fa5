package fleet

import (
	"encoding/binary"
	"errors"
)

var errWire = errors.New("not a pprof profile: the protobuf message is damaged")

// field is a field of a protobuf message: a number or bytes.
type field struct {
	number uint64
	value  uint64
	data   []byte // nil: a number
}

// eachField calls do with each field of a message. Fixed-width numbers, which pprof does not use, are skipped.
func eachField(msg []byte, do func(field) error) error {
	for len(msg) > 0 {
		tag, size := binary.Uvarint(msg)
		if size <= 0 {
			return errWire
		}
		msg = msg[size:]
		f := field{number: tag >> 3}
		switch tag & 7 {
		case 0:
			if f.value, size = binary.Uvarint(msg); size <= 0 {
				return errWire
			}
			msg = msg[size:]
		case 2:
			length, size := binary.Uvarint(msg)
			if size <= 0 || length > uint64(len(msg)-size) {
				return errWire
			}
			f.data, msg = msg[size:][:length:length], msg[size:][length:]
		case 1, 5:
			width := map[uint64]int{1: 8, 5: 4}[tag&7]
			if len(msg) < width {
				return errWire
			}
			msg = msg[width:]
			continue
		default:
			return errWire
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// numbers appends the numbers of a repeated field, which may be packed.
func (f field) numbers(to []uint64) ([]uint64, error) {
	if f.data == nil {
		return append(to, f.value), nil
	}
	for data := f.data; len(data) > 0; {
		v, size := binary.Uvarint(data)
		if size <= 0 {
			return nil, errWire
		}
		to, data = append(to, v), data[size:]
	}
	return to, nil
}
