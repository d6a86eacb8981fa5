package tracer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

// subject says which argument of a hook holds what the call is about.
type subject struct {
	kind     bpf.TraceSubject
	argument uint8
}

// subjectOf finds that argument by its type, because its place differs between kernels. It prefers a path to a
// dentry, which only says where a file is in its file system.
func subjectOf(hook string, params []btf.FuncParam) subject {
	var names []string
	for _, p := range params {
		names = append(names, structName(p.Type))
	}
	for _, want := range []struct {
		name string
		kind bpf.TraceSubject
	}{
		{"linux_binprm", bpf.TraceSubjectABOUT_EXEC},
		{"file", bpf.TraceSubjectABOUT_FILE},
		{"path", bpf.TraceSubjectABOUT_PATH},
		{"vfsmount", bpf.TraceSubjectABOUT_MOUNT},
		{"dentry", bpf.TraceSubjectABOUT_DENTRY},
		{"sockaddr", bpf.TraceSubjectABOUT_ADDRESS},
		{"sockaddr_unsized", bpf.TraceSubjectABOUT_ADDRESS}, // since 6.19
		{"task_struct", bpf.TraceSubjectABOUT_TASK},
	} {
		i := slices.Index(names, want.name)
		if i < 0 || i > 4 { // probes read six arguments, and ABOUT_ENTRY the one after
			continue
		}
		// path_link has the new name as a path, and before it the old one as a dentry.
		if want.name == "path" && i+1 < len(names) && names[i+1] == "dentry" {
			want.kind = bpf.TraceSubjectABOUT_ENTRY
		}
		return subject{want.kind, uint8(i)}
	}
	switch hook {
	case "capable": // cred, user namespace, capability, options
		return subject{bpf.TraceSubjectABOUT_NUMBERS, 2}
	case "socket_create": // family, type, protocol
		return subject{bpf.TraceSubjectABOUT_NUMBERS, 0}
	}
	return subject{}
}

// structName returns the name of the struct that t points to, or "".
func structName(t btf.Type) string {
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return ""
	}
	switch s := btf.UnderlyingType(p.Target).(type) {
	case *btf.Struct:
		return s.Name
	case *btf.Fwd:
		return s.Name
	}
	return ""
}

// describe formats what an event says its call was about, or returns "".
func (s subject) describe(hook string, data []byte) string {
	switch s.kind {
	case bpf.TraceSubjectABOUT_FILE, bpf.TraceSubjectABOUT_EXEC, bpf.TraceSubjectABOUT_PATH,
		bpf.TraceSubjectABOUT_ENTRY, bpf.TraceSubjectABOUT_DENTRY, bpf.TraceSubjectABOUT_MOUNT:
		return describePath(data)
	case bpf.TraceSubjectABOUT_ADDRESS:
		return describeAddress(data)
	case bpf.TraceSubjectABOUT_TASK:
		if len(data) < 4 {
			return ""
		}
		return fmt.Sprintf("%s/%d", cString(data[4:]), binary.NativeEndian.Uint32(data))
	case bpf.TraceSubjectABOUT_NUMBERS:
		if len(data) < 3*8 {
			return ""
		}
		var n [3]int32
		for i := range n {
			n[i] = int32(binary.NativeEndian.Uint64(data[8*i:]))
		}
		if hook == "capable" {
			return kernel.CapabilityName(int(n[0]))
		}
		return fmt.Sprintf("family %d, type %d, protocol %d", n[0], n[1], n[2])
	}
	return ""
}

// describePath joins names that come last component first. An empty name at the end says that the path is complete.
// Otherwise it begins with an ellipsis, or is a name without a directory, as that of a pipe or a memfd.
func describePath(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	names := strings.Split(string(bytes.TrimSuffix(data, []byte{0})), "\x00")
	slices.Reverse(names)
	switch {
	case names[0] == "":
		return "/" + strings.Join(names[1:], "/")
	case names[0] == "/": // the root of a file system
		names = names[1:]
	case len(names) == 1:
		return names[0]
	}
	return "…/" + strings.Join(names, "/")
}

// describeAddress formats a struct sockaddr: 10.0.0.1:80, [::1]:80, unix:/run/x.
func describeAddress(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && len(b) >= 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_UNIX && len(b) == 2:
		return "unix:"
	case family == unix.AF_UNIX && b[2] == 0:
		return "unix:@" + string(b[3:]) // abstract
	case family == unix.AF_UNIX:
		return "unix:" + cString(b[2:])
	default:
		return fmt.Sprintf("family %d", family)
	}
}
