package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

// encoded returns an event as the kernel emits it, with padding.
func encoded(t testing.TB, e rawEvent, padding int) []byte {
	t.Helper()
	e.About, e.KernelStack, e.UserStack = uint16(len(e.about)), uint16(8*len(e.kernel)), uint16(8*len(e.user))
	var b bytes.Buffer
	for _, part := range []any{e.TraceEvent, e.about, e.kernel, e.user, make([]byte, padding)} {
		if err := binary.Write(&b, binary.NativeEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestDecodeEvent(t *testing.T) {
	want := rawEvent{
		TraceEvent: bpf.TraceEvent{
			Start: 5, Reading: 7, Probe: 1, Mntns: 2, Tgid: 3, Pid: 4, Ret: -13, Syscall: 6,
			Comm: [16]uint8{'s', 'h'},
		},
		about: []byte("name\x00\x00"), kernel: []uint64{1 << 63, 2}, user: []uint64{3},
	}
	want.About, want.KernelStack, want.UserStack = 6, 16, 8
	raw := encoded(t, want, 7)
	got, err := decodeEvent(raw)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	clear(raw)
	if string(got.about) != "name\x00\x00" || got.kernel[0] != 1<<63 {
		t.Error("the event shares memory with the record")
	}
	if got.end() != 12 {
		t.Errorf("ends at %d, want 12", got.end())
	}
	for name, damage := range map[string]func([]byte) []byte{
		"short head":   func(b []byte) []byte { return b[:eventSize-1] },
		"short stack":  func(b []byte) []byte { return b[:len(b)-8] },
		"torn address": func(b []byte) []byte { b[reflectOffset("KernelStack")]++; return append(b, 0) },
	} {
		if _, err := decodeEvent(damage(encoded(t, want, 0))); !errors.Is(err, errEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func reflectOffset(field string) uintptr {
	f, _ := reflect.TypeFor[bpf.TraceEvent]().FieldByName(field)
	return f.Offset
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(encoded(f, rawEvent{about: []byte("x\x00"), kernel: []uint64{1}, user: []uint64{2}}, 3), uint8(1))
	f.Add([]byte{}, uint8(8))
	f.Fuzz(func(t *testing.T, raw []byte, kind uint8) {
		e, err := decodeEvent(raw)
		if err != nil {
			return
		}
		if len(e.about)+8*len(e.kernel)+8*len(e.user) > len(raw)-eventSize {
			t.Errorf("%d bytes were decoded to more", len(raw))
		}
		// No bytes may make it panic.
		for _, hook := range []string{"capable", "socket_create"} {
			subject{kind: bpf.TraceSubject(kind)}.describe(hook, e.about)
		}
	})
}
