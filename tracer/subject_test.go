package tracer

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
)

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
	type params = []btf.FuncParam
	pointer := func(name string) btf.FuncParam {
		return btf.FuncParam{Type: &btf.Pointer{Target: &btf.Const{Type: &btf.Struct{Name: name}}}}
	}
	number := btf.FuncParam{Type: &btf.Int{Name: "int", Size: 4}}
	for _, c := range []struct {
		hook   string
		params params
		want   subject
	}{
		{"file_open", params{pointer("file")}, subject{bpf.TraceSubjectABOUT_FILE, 0}},
		{
			"path_rename",
			params{pointer("path"), pointer("dentry"), pointer("path"), pointer("dentry")},
			subject{bpf.TraceSubjectABOUT_ENTRY, 0},
		},
		{
			"path_link",
			params{pointer("dentry"), pointer("path"), pointer("dentry")},
			subject{bpf.TraceSubjectABOUT_ENTRY, 1},
		},
		{"sb_mount", params{number, pointer("path"), number}, subject{bpf.TraceSubjectABOUT_PATH, 1}},
		{
			"inode_setattr",
			params{pointer("mnt_idmap"), pointer("dentry"), pointer("iattr")},
			subject{bpf.TraceSubjectABOUT_DENTRY, 1},
		},
		{
			"socket_connect",
			params{pointer("socket"), pointer("sockaddr"), number},
			subject{bpf.TraceSubjectABOUT_ADDRESS, 1},
		},
		{
			"capable",
			params{pointer("cred"), pointer("user_namespace"), number, number},
			subject{bpf.TraceSubjectABOUT_NUMBERS, 2},
		},
		{"bpf", params{number, pointer("bpf_attr"), number}, subject{}},
	} {
		if got := subjectOf(c.hook, c.params); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.hook, got, c.want)
		}
	}
}
