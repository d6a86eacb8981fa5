package enforcer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// varmorDecoders returns those of vArmor. Before v0.6 rules had no mode, and all denied.
func varmorDecoders(modes bool) decoders {
	v := varmorRules{}
	if modes {
		v.mode = 4
	}
	return decoders{
		outer:  [numOuter]decoder{file: v.file, exec: v.exec, net: v.network, mount: v.mount},
		ptrace: v.ptrace,
		action: v.action,
	}
}

// varmorRules holds the size of the mode, with which rules begin, in bytes.
type varmorRules struct{ mode int }

// Modes of a rule. A rule that only audits does not end the walk.
const varmorDeny, varmorAudit = 1, 2

func (v varmorRules) ends(value fields) bool { return v.mode == 0 || value.u32(0)&varmorDeny != 0 }

func (v varmorRules) action(value fields) string {
	if v.mode == 0 {
		return "deny"
	}
	return flagNames(uint64(value.u32(0)), []flagName{{varmorDeny, "deny"}, {varmorAudit, "audit"}})
}

// Flags of a pattern. Without precise and greedy, it matches the last component alone.
const (
	varmorPrecise = 1 << iota
	varmorGreedy
	varmorPrefix
	varmorSuffix

	varmorPatternLen = 64
)

// pattern decodes a struct path_pattern, whose suffix is reversed.
func (v varmorRules) pattern(value fields, at int) rules.Pattern {
	flags := value.u32(at)
	var p rules.Pattern
	if flags&varmorPrefix != 0 {
		p.Prefix = value.string(at+4, varmorPatternLen)
	}
	if flags&varmorSuffix != 0 {
		suffix := []byte(value.string(at+4+varmorPatternLen, varmorPatternLen))
		slices.Reverse(suffix)
		p.Suffix = string(suffix)
	}
	switch {
	case flags&varmorGreedy != 0:
	case flags&varmorPrecise != 0 && p.Suffix == "":
		p.Wildcard = rules.Nothing
	case flags&varmorPrecise == 0:
		p.Wildcard, p.Name = rules.OneLevel, true
	}
	return p
}

var varmorPermissions = []flagName{
	{1 << 2, "read"},
	{1 << 1, "write"},
	{1 << 3, "append"},
	{1 << 0, "exec"},
	{1 << 4, "create"},
	{1 << 7, "rename"},
	{1 << 18, "link"},
}

func (v varmorRules) file(value fields) (string, *rules.Scope) {
	permissions := uint64(value.u32(v.mode))
	p := v.pattern(value, v.mode+4)
	return sentence(v.action(value), flagNames(permissions, varmorPermissions), p.String()),
		&rules.Scope{Ends: v.ends(value), Operations: permissions, Path: p}
}

// exec decodes a rule of the same struct. The programs do not look at its permissions.
func (v varmorRules) exec(value fields) (string, *rules.Scope) {
	p := v.pattern(value, v.mode+4)
	return sentence(v.action(value), p.String()), &rules.Scope{Ends: v.ends(value), Path: p}
}

var varmorMountFlags = []flagName{
	{1, "ro"},
	{2, "nosuid"},
	{4, "nodev"},
	{8, "noexec"},
	{16, "sync"},
	{32, "remount"},
	{64, "mand"},
	{128, "dirsync"},
	{512, "umount"},
	{1024, "noatime"},
	{2048, "nodiratime"},
	{4096, "bind"},
	{8192, "move"},
	{16384, "rec"},
	{32768, "silent"},
	{1 << 17, "unbindable"},
	{1 << 18, "private"},
	{1 << 19, "slave"},
	{1 << 20, "shared"},
	{1 << 21, "relatime"},
	{1 << 23, "iversion"},
	{1 << 24, "strictatime"},
}

func (v varmorRules) mount(value fields) (string, *rules.Scope) {
	flags, reverse := uint64(value.u32(v.mode)), uint64(value.u32(v.mode+4))
	p := v.pattern(value, v.mode+8)
	fstype := value.string(v.mode+8+4+2*varmorPatternLen, 16)
	words := []string{v.action(value), "mount", p.String(), "flags=" + varmorMountText(flags)}
	if reverse != 0 {
		words = append(words, "without="+varmorMountText(reverse))
	}
	scope := &rules.Scope{Ends: v.ends(value), Operations: flags | reverse<<32, Path: p}
	if !strings.HasPrefix(fstype, "*") {
		scope.FileSystem = fstype
		words = append(words, "fstype="+fstype)
		if fstype == "" {
			scope = nil // in a scope that is any
		}
	}
	return sentence(words...), scope
}

// varmorMountText names the flags, or says all if most are set.
func varmorMountText(set uint64) string {
	var known uint64
	for _, f := range varmorMountFlags {
		known |= f.bit
	}
	if set&known == known {
		return "all"
	}
	return flagNames(set, varmorMountFlags)
}

// Flags of a network rule.
const (
	varmorCIDR      = 0x20
	varmorIPv4      = 0x40
	varmorIPv6      = 0x80
	varmorPort      = 0x100
	varmorSocket    = 0x200
	varmorPortRange = 0x400
	varmorPorts     = 0x800
	varmorPodSelf   = 0x1000
)

// network decodes a struct net_rule. Its size says which of three versions it is.
func (v varmorRules) network(value fields) (string, *rules.Scope) {
	flags := value.u32(v.mode)
	address := v.mode + 4
	if v.mode > 0 {
		address = 32
		if flags&varmorSocket != 0 {
			return sentence(v.action(value), "create", varmorSocketText(value)), nil
		}
	}
	scope := &rules.Scope{Ends: v.ends(value), Operations: uint64(flags & (varmorIPv4 | varmorIPv6))}
	ip, mask := value.at(address, 16), value.at(address+16, 16)
	if flags&varmorIPv6 == 0 {
		ip, mask = ip[:4], mask[:4]
	}
	a, _ := netip.AddrFromSlice(ip)
	where := "any"
	switch both := flags&varmorIPv4 != 0 && flags&varmorIPv6 != 0; {
	case flags&varmorPodSelf != 0:
		where, scope = "the pod's own address", nil
	case flags&varmorCIDR != 0:
		ones, whole := prefixBits(mask)
		where = prefixText(a, ones)
		if scope.Address = netip.PrefixFrom(a, ones); both || !whole {
			scope = nil
		}
	case flags&varmorPrecise != 0:
		where = a.String()
		if scope.Address = netip.PrefixFrom(a, a.BitLen()); both {
			scope = nil // 0.0.0.0 and ::
		}
	}
	ports := ""
	first, last := value.u16(address+32), value.u16(address+34)
	switch {
	case flags&varmorPorts != 0:
		var all []string
		for i := 0; i < 16 && value.u16(address+36+2*i) != 0; i++ {
			all = append(all, fmt.Sprint(value.u16(address+36+2*i)))
		}
		ports, scope = "ports "+strings.Join(all, ","), nil
	case flags&varmorPortRange != 0:
		ports = portsText(first, last)
	case flags&varmorPort != 0:
		last = first
		ports = portsText(first, first)
	default:
		first, last = 0, 0
	}
	if scope != nil {
		scope.Ports = [2]uint16{first, last}
		if ports != "" && last == 0 {
			scope = nil
		}
	}
	return sentence(v.action(value), "connect", where, ports), scope
}

var varmorSocketTypes = map[int]string{1: "stream", 2: "dgram", 3: "raw", 4: "rdm", 5: "seqpacket", 10: "packet"}

func varmorSocketText(value fields) string {
	var words []string
	for _, set := range []struct {
		name string
		bits uint64
		of   func(int) string
	}{
		{"domain=", value.u64(8), familyName},
		{"type=", value.u64(16), func(n int) string { return orNumber(varmorSocketTypes, "type ", n) }},
		{"protocol=", value.u64(24), func(n int) string { return fmt.Sprint(n) }},
	} {
		if set.bits != 0 {
			words = append(words, set.name+numbered(set.bits, set.of))
		}
	}
	if len(words) == 0 {
		return "any socket"
	}
	return strings.Join(words, " ")
}

func (v varmorRules) ptrace(value fields) (string, *rules.Scope) {
	names := flagNames(uint64(value.u32(v.mode)), []flagName{
		{1 << 1, "trace"}, {1 << 2, "read"}, {1 << 3, "be traced"}, {1 << 4, "be read"},
	})
	whose := "nobody"
	switch flags := value.u32(v.mode + 4); {
	case flags&varmorGreedy != 0:
		whose = "any task"
	case flags&varmorPrecise != 0:
		whose = "tasks outside the container"
	}
	return sentence(v.action(value), "ptrace", names, "with", whose), nil
}
