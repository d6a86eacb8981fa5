package reference

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

// NetRule is a rule about connect or about creating sockets.
type NetRule = bpf.EnforcerRefNetRule

// families are the names of socket families in rules.
var families = map[string]uint32{
	"unix": unix.AF_UNIX, "inet": unix.AF_INET, "inet6": unix.AF_INET6, "netlink": unix.AF_NETLINK,
	"packet": unix.AF_PACKET, "vsock": unix.AF_VSOCK, "alg": unix.AF_ALG, "xdp": unix.AF_XDP,
}

// DenyNet parses ADDR[/BITS][:PORT[-PORT]] and returns a rule that denies connecting there, or parses the name of a
// socket family and returns a rule that denies creating its sockets. An IPv6 address with a port is in brackets;
// :PORT alone matches every address.
func DenyNet(s string) (NetRule, error) {
	r := NetRule{Action: bpf.EnforcerRefActionREF_DENY, Hook: bpf.EnforcerRefNetHookREF_CONNECT}
	if family, ok := families[s]; ok {
		r.Hook, r.Family = bpf.EnforcerRefNetHookREF_CREATE, family
		return r, nil
	}
	address, port, ok := splitPort(s)
	if !ok || address == "" && port == "" {
		return r, fmt.Errorf("address %q: want ADDR[/BITS][:PORT], or a family such as inet6 or packet", s)
	}
	if port != "" {
		if err := setPorts(&r, port); err != nil {
			return r, fmt.Errorf("address %q: %w", s, err)
		}
	}
	if address == "" {
		return r, nil
	}
	if err := setAddress(&r, address); err != nil {
		return r, fmt.Errorf("address %q: %w; want ADDR[/BITS][:PORT], or a family such as inet6 or packet",
			s, err)
	}
	return r, nil
}

// splitPort separates address and port. An IPv6 address without brackets has no port.
func splitPort(s string) (address, port string, ok bool) {
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		address, rest, closed := strings.Cut(inner, "]")
		bits, port, hasPort := strings.Cut(rest, ":") // [ADDR]/BITS:PORT
		return address + bits, port, closed && hasPort == (port != "") && (bits == "" || bits[0] == '/')
	}
	if strings.Count(s, ":") > 1 {
		return s, "", true
	}
	address, port, hasPort := strings.Cut(s, ":")
	return address, port, hasPort == (port != "")
}

func setPorts(r *NetRule, s string) error {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	a, err1 := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || b == 0 || a > b {
		return fmt.Errorf("port %q is not a number from 1 to 65535 or a range of them", s)
	}
	r.Port, r.EndPort = uint16(a), uint16(b)
	return nil
}

func setAddress(r *NetRule, s string) error {
	prefix, err := netip.ParsePrefix(s)
	if !strings.Contains(s, "/") {
		var a netip.Addr
		if a, err = netip.ParseAddr(s); err == nil {
			prefix = netip.PrefixFrom(a.WithZone(""), a.BitLen())
		}
	}
	if err != nil {
		return errors.New("is not an IP address or prefix")
	}
	// The programs treat connections to ::ffff:a.b.c.d as IPv4.
	if a := prefix.Addr(); a.Is4In6() {
		if prefix.Bits() < 96 {
			return errors.New("write a prefix of IPv4-mapped addresses as IPv4")
		}
		prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
	}
	prefix = prefix.Masked()
	r.Family = unix.AF_INET6
	if prefix.Addr().Is4() {
		r.Family = unix.AF_INET
	}
	var mask [16]byte
	for i := range prefix.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	for i, b := 0, prefix.Addr().AsSlice(); i < len(b); i += 4 {
		// In memory both are in network order, on every machine.
		r.Address[i/4] = binary.NativeEndian.Uint32(b[i:])
		r.Mask[i/4] = binary.NativeEndian.Uint32(mask[i:])
	}
	return nil
}

// mustNet parses an address of this package. It panics if the address is invalid.
func mustNet(s string) NetRule {
	r, err := DenyNet(s)
	if err != nil {
		panic(err)
	}
	return r
}
