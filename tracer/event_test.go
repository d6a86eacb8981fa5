package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
)

// encoded is an event as the kernel would send it, with its padding.
func encoded(t testing.TB, e event, padding int) []byte {
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
	want := event{
		TraceEvent: bpf.TraceEvent{Start: 5, Reading: 7, Probe: 1, Mntns: 2, Tgid: 3, Pid: 4, Ret: -13, Syscall: 6, Comm: [16]uint8{'s', 'h'}},
		about:      []byte("name\x00\x00"), kernel: []uint64{1 << 63, 2}, user: []uint64{3},
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
	f.Add(encoded(f, event{about: []byte("x\x00"), kernel: []uint64{1}, user: []uint64{2}}, 3), uint8(1))
	f.Add([]byte{}, uint8(8))
	f.Fuzz(func(t *testing.T, raw []byte, kind uint8) {
		e, err := decodeEvent(raw)
		if err != nil {
			return
		}
		if len(e.about)+8*len(e.kernel)+8*len(e.user) > len(raw)-eventSize {
			t.Errorf("%d bytes became more", len(raw))
		}
		// Whatever the bytes are: it must come through.
		for _, hook := range []string{"capable", "socket_create"} {
			subject{kind: bpf.TraceSubject(kind)}.describe(hook, e.about)
		}
	})
}

func TestDescribe(t *testing.T) {
	inet := append(binary.NativeEndian.AppendUint16(nil, unix.AF_INET), 0, 80, 10, 0, 0, 7, 0, 0)
	inet6 := append(binary.NativeEndian.AppendUint16(nil, unix.AF_INET6), 1, 187, 0, 0, 0, 0)
	inet6 = append(inet6, make([]byte, 15)...)
	inet6 = append(inet6, 1)
	local := func(path string) string {
		return string(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX)) + path
	}
	numbers := func(n ...uint64) string {
		var b []byte
		for _, v := range n {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		return string(b)
	}
	for _, c := range []struct {
		kind       bpf.TraceSubject
		hook, data string
		want       string
	}{
		{bpf.TraceSubjectABOUT_FILE, "file_open", "passwd\x00etc\x00\x00", "/etc/passwd"},
		{bpf.TraceSubjectABOUT_FILE, "file_open", "\x00", "/"},
		{bpf.TraceSubjectABOUT_FILE, "file_open", "deep\x00down\x00", "…/down/deep"},
		{bpf.TraceSubjectABOUT_FILE, "file_open", "memfd:x\x00", "memfd:x"},
		{bpf.TraceSubjectABOUT_FILE, "file_open", "", ""},
		{bpf.TraceSubjectABOUT_DENTRY, "inode_unlink", "file\x00dir\x00/\x00", "…/dir/file"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", string(inet), "10.0.0.7:80"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", string(inet6), "[::1]:443"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", local("/run/x\x00rest"), "unix:/run/x"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", local("\x00x"), "unix:@x"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", local(""), "unix:"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", "\x63\x00", "family 99"},
		{bpf.TraceSubjectABOUT_ADDRESS, "socket_connect", "\x02", ""},
		{bpf.TraceSubjectABOUT_TASK, "ptrace_access_check", "\x07\x00\x00\x00sh\x00junk", "sh/7"},
		{bpf.TraceSubjectABOUT_NUMBERS, "capable", numbers(21, 0, 0), "cap_sys_admin"},
		{bpf.TraceSubjectABOUT_NUMBERS, "capable", numbers(99, 0, 0), "capability 99"},
		{bpf.TraceSubjectABOUT_NUMBERS, "socket_create", numbers(2, 1, 6), "family 2, type 1, protocol 6"},
		{bpf.TraceSubjectABOUT_NUMBERS, "capable", "short", ""},
		{bpf.TraceSubjectABOUT_NOTHING, "bpf", "", ""},
	} {
		if got := (subject{kind: c.kind}).describe(c.hook, []byte(c.data)); got != c.want {
			t.Errorf("%d %q: %q, want %q", c.kind, c.data, got, c.want)
		}
	}
}

func TestSubjectOf(t *testing.T) {
	pointer := func(name string) btf.FuncParam {
		return btf.FuncParam{Type: &btf.Pointer{Target: &btf.Const{Type: &btf.Struct{Name: name}}}}
	}
	number := btf.FuncParam{Type: &btf.Int{Name: "int", Size: 4}}
	for _, c := range []struct {
		hook   string
		params []btf.FuncParam
		want   subject
	}{
		{"file_open", []btf.FuncParam{pointer("file")}, subject{bpf.TraceSubjectABOUT_FILE, 0}},
		{"path_rename", []btf.FuncParam{pointer("path"), pointer("dentry"), pointer("path"), pointer("dentry")}, subject{bpf.TraceSubjectABOUT_ENTRY, 0}},
		{"path_link", []btf.FuncParam{pointer("dentry"), pointer("path"), pointer("dentry")}, subject{bpf.TraceSubjectABOUT_ENTRY, 1}},
		{"sb_mount", []btf.FuncParam{number, pointer("path"), number}, subject{bpf.TraceSubjectABOUT_PATH, 1}},
		{"inode_setattr", []btf.FuncParam{pointer("mnt_idmap"), pointer("dentry"), pointer("iattr")}, subject{bpf.TraceSubjectABOUT_DENTRY, 1}},
		{"socket_connect", []btf.FuncParam{pointer("socket"), pointer("sockaddr"), number}, subject{bpf.TraceSubjectABOUT_ADDRESS, 1}},
		{"capable", []btf.FuncParam{pointer("cred"), pointer("user_namespace"), number, number}, subject{bpf.TraceSubjectABOUT_NUMBERS, 2}},
		{"bpf", []btf.FuncParam{number, pointer("bpf_attr"), number}, subject{}},
	} {
		if got := subjectOf(c.hook, c.params); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.hook, got, c.want)
		}
	}
}

func TestSyscallByName(t *testing.T) {
	for _, name := range []string{"openat", "ia32:open", "x32:ioctl", "[io_uring]", "[kthread]", "syscall_999"} {
		s, ok := syscallByName(name)
		if !ok || syscallName(s) != name {
			t.Errorf("%s: %#x, %v", name, s, ok)
		}
	}
	for _, name := range []string{"opneat", "", "[unknown 0x0]"} {
		if s, ok := syscallByName(name); ok {
			t.Errorf("%q is %#x", name, s)
		}
	}
}

func TestFilterConstants(t *testing.T) {
	c, err := Events{SlowerThan: 1000, Syscalls: []string{"openat", "ia32:open", "read"}, Denied: true}.constants(158.4, 7, 0, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if c[bpf.TraceVarSlowerThan] != uint64(1159) { // the reading contains the bias
		t.Errorf("slower than %v", c[bpf.TraceVarSlowerThan])
	}
	openat, _ := syscallByName("openat")
	if table := c[bpf.TraceVarSyscallsAllowed].([]uint32); !slices.Contains(table, uint32(openat)|syscallGiven) {
		t.Error("openat is not in the table")
	}
	if _, err := (Events{Syscalls: []string{"opneat"}}).constants(0, 0, 0, 4096); err == nil || !strings.Contains(err.Error(), "opneat") {
		t.Errorf("%v", err)
	}
}
