package reference

import "github.com/lsmprof/lsmprof/internal/kernel"

// Capability is a number from linux/capability.h.
type Capability int

// ParseCapability parses the name of a capability: CAP_NET_RAW, cap_net_raw or net_raw.
func ParseCapability(s string) (Capability, error) {
	n, err := kernel.ParseCapability(s)
	return Capability(n), err
}
