package enforcer

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

var referenceDecoders = decoders{
	outer: [numOuter]decoder{
		file: decodeReferencePath, exec: decodeReferencePath, net: decodeReferenceNet,
		mount: decodeReferenceMount,
	},
	ptrace: decodeReferencePtrace,
	action: func(fields) string { return "deny" },
}

// as decodes a value of the reference enforcer. Its layout is that of the Go mirror, which has no padding.
func as[T any](value fields) (rule T) {
	_, _ = binary.Decode(value.at(0, int(unsafe.Sizeof(rule))), binary.NativeEndian, &rule)
	return rule
}

func referenceAction(a bpf.EnforcerRefAction) string {
	if a == bpf.EnforcerRefActionREF_DENY {
		return "deny"
	}
	return "allow"
}

func referencePattern(p *bpf.EnforcerRefPattern) rules.Pattern {
	var words [2][8 * len(p.Prefix)]byte // bpfel: little-endian
	for i := range p.Prefix {
		binary.LittleEndian.PutUint64(words[0][8*i:], p.Prefix[i])
		binary.LittleEndian.PutUint64(words[1][8*i:], p.Suffix[i])
	}
	prefix, suffix := min(int(p.PrefixLen), len(words[0])), min(int(p.SuffixLen), len(words[1]))
	out := rules.Pattern{Prefix: string(words[0][:prefix]), Suffix: string(words[1][len(words[1])-suffix:])}
	switch {
	case p.Flags&bpf.EnforcerRefPatternFlagsREF_EXACT != 0:
		out.Wildcard, out.Suffix = rules.Nothing, ""
	case p.Flags&bpf.EnforcerRefPatternFlagsREF_ONE_LEVEL != 0:
		out.Wildcard = rules.OneLevel
	}
	return out
}

func decodeReferencePath(value fields) (string, *rules.Scope) {
	r := as[bpf.EnforcerRefPathRule](value)
	p := referencePattern(&r.Pattern)
	return sentence(referenceAction(r.Action), p.String()), &rules.Scope{Ends: true, Path: p}
}

func decodeReferenceMount(value fields) (string, *rules.Scope) {
	r := as[bpf.EnforcerRefMountRule](value)
	p := referencePattern(&r.Pattern)
	fstype := fields(r.Fstype[:]).string(0, len(r.Fstype))
	ops := flagNames(uint64(r.Ops), []flagName{
		{uint64(bpf.EnforcerRefMountOpREF_MOUNT), "mount"},
		{uint64(bpf.EnforcerRefMountOpREF_BIND), "bind"},
		{uint64(bpf.EnforcerRefMountOpREF_REMOUNT), "remount"},
		{uint64(bpf.EnforcerRefMountOpREF_MOVE), "move"},
		{uint64(bpf.EnforcerRefMountOpREF_UMOUNT), "umount"},
	})
	words := []string{referenceAction(r.Action), ops, p.String()}
	if fstype != "" {
		words = append(words, "fstype="+fstype)
	}
	return sentence(words...), &rules.Scope{Ends: true, Operations: uint64(r.Ops), Path: p, FileSystem: fstype}
}

// Operations of network rules: the hooks, and above them the families.
const referenceFamilies = 8

func decodeReferenceNet(value fields) (string, *rules.Scope) {
	r := as[bpf.EnforcerRefNetRule](value)
	action := referenceAction(r.Action)
	scope := &rules.Scope{Ends: true, Operations: uint64(r.Hook) & 3}
	if r.Hook == bpf.EnforcerRefNetHookREF_CREATE {
		if r.Family == 0 || r.Family >= 64-referenceFamilies {
			scope = nil
		} else {
			scope.Operations = 1 << (referenceFamilies + r.Family)
		}
		return sentence(action, "create", familyName(int(r.Family))), scope
	}
	where := "any"
	if r.Family != 0 {
		size := 4
		if r.Family == unix.AF_INET6 {
			size = 16
		}
		bytes, mask := words(r.Address), words(r.Mask)
		address, ok := netip.AddrFromSlice(bytes[:size])
		ones, whole := prefixBits(mask[:size])
		if !ok || !whole {
			scope = nil
		} else {
			scope.Address = netip.PrefixFrom(address, ones)
		}
		where = prefixText(address, ones)
	}
	ports := ""
	if r.EndPort != 0 {
		ports = portsText(r.Port, r.EndPort)
		if scope != nil {
			scope.Ports = [2]uint16{r.Port, r.EndPort}
		}
	}
	return sentence(action, "connect", where, ports), scope
}

// words returns four words that are in network byte order.
func words(w [4]uint32) (b [16]byte) {
	for i, word := range w {
		binary.NativeEndian.PutUint32(b[4*i:], word)
	}
	return b
}

// prefixBits returns the number of ones at the start of a mask, and whether there are no others.
func prefixBits(mask []byte) (ones int, whole bool) {
	total := 0
	inPrefix := true
	for _, b := range mask {
		total += bits.OnesCount8(b)
		if inPrefix {
			leading := bits.LeadingZeros8(^b)
			ones += leading
			inPrefix = leading == 8
		}
	}
	return ones, total == ones
}

// prefixText returns 10.0.0.1, or 10.0.0.0/8.
func prefixText(a netip.Addr, ones int) string {
	if ones == a.BitLen() {
		return a.String()
	}
	return a.String() + "/" + strconv.Itoa(ones)
}

func portsText(first, last uint16) string {
	s := "port " + strconv.Itoa(int(first))
	if last != first {
		s = "ports " + strconv.Itoa(int(first)) + "-" + strconv.Itoa(int(last))
	}
	return s
}

func decodeReferencePtrace(value fields) (string, *rules.Scope) {
	r := as[bpf.EnforcerRefPtraceRule](value)
	names := flagNames(uint64(r.Denied), []flagName{
		{uint64(bpf.EnforcerRefPtraceAccessREF_PTRACE_READ), "read"},
		{uint64(bpf.EnforcerRefPtraceAccessREF_PTRACE_ATTACH), "attach"},
	})
	if names == "" {
		return "ptrace: deny nothing", nil
	}
	return sentence("deny ptrace", strings.ReplaceAll(names, ",", ", ")), nil
}
