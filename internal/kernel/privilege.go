package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Privileges holds the capabilities and limits of a process.
type Privileges struct {
	UID                 int    // effective
	Effective, Bounding uint64 // capabilities, one bit each
	UserNamespace       bool   // not the initial one: its capabilities do not count for BPF
	Memlock             uint64 // soft limit in bytes; ^0: none
}

// NeedCaps returns the capabilities that finding and probing the programs of other processes needs. CAP_BPF is not
// enough: only CAP_SYS_ADMIN may list the kernel's program ids.
func NeedCaps() []string { return []string{"CAP_SYS_ADMIN"} }

// Has reports whether a capability is effective.
func (p Privileges) Has(name string) bool { return p.Effective>>capabilityNumber(name)&1 == 1 }

// MayHave reports whether a capability is in the bounding set. A process cannot gain one that is not.
func (p Privileges) MayHave(name string) bool { return p.Bounding>>capabilityNumber(name)&1 == 1 }

// capabilityNumber panics if a name is not in capabilities(7), which is a mistake of the caller.
func capabilityNumber(name string) int {
	n, err := ParseCapability(name)
	if err != nil {
		panic(err)
	}
	return n
}

// CurrentPrivileges returns the privileges of this process.
func CurrentPrivileges() (Privileges, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Privileges{}, err
	}
	p, err := parseStatus(string(status))
	if err != nil {
		return Privileges{}, err
	}
	p.UID = os.Geteuid()
	uidMap, err := os.ReadFile("/proc/self/uid_map")
	p.UserNamespace = err == nil && !initialUIDMap(string(uidMap))
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return Privileges{}, fmt.Errorf("getrlimit: %w", err)
	}
	p.Memlock = limit.Cur
	return p, nil
}

func parseStatus(status string) (p Privileges, err error) {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		var to *uint64
		switch key {
		case "CapEff":
			to = &p.Effective
		case "CapBnd":
			to = &p.Bounding
		default:
			continue
		}
		if *to, err = strconv.ParseUint(strings.TrimSpace(value), 16, 64); err != nil {
			return Privileges{}, fmt.Errorf("/proc/self/status: %s: %w", key, err)
		}
	}
	return p, nil
}

// initialUIDMap reports whether a uid_map is that of the initial user namespace, which maps every id to itself.
func initialUIDMap(uidMap string) bool {
	return strings.Join(strings.Fields(uidMap), " ") == "0 0 4294967295"
}
