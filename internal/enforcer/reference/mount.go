package reference

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

// MountRule is a mount rule.
type MountRule = bpf.EnforcerRefMountRule

var mountOps = map[string]bpf.EnforcerRefMountOp{
	"mount":   bpf.EnforcerRefMountOpREF_MOUNT,
	"bind":    bpf.EnforcerRefMountOpREF_BIND,
	"remount": bpf.EnforcerRefMountOpREF_REMOUNT,
	"move":    bpf.EnforcerRefMountOpREF_MOVE,
	"umount":  bpf.EnforcerRefMountOpREF_UMOUNT,
}

const (
	allMountOps = bpf.EnforcerRefMountOpREF_MOUNT | bpf.EnforcerRefMountOpREF_BIND |
		bpf.EnforcerRefMountOpREF_REMOUNT | bpf.EnforcerRefMountOpREF_MOVE | bpf.EnforcerRefMountOpREF_UMOUNT
	// A rule that denies mounting rarely means that mounts must stay.
	defaultMountOps = allMountOps &^ bpf.EnforcerRefMountOpREF_UMOUNT
)

// DenyMount parses GLOB[,fstype=NAME][,op=OP[+OP...]] and returns a rule that denies such mounts. The glob matches
// the source, a path or a word such as tmpfs, and for umount the mount point.
func DenyMount(s string) (MountRule, error) {
	r := MountRule{Action: bpf.EnforcerRefActionREF_DENY, Ops: defaultMountOps}
	glob, options, more := strings.Cut(s, ",")
	p, err := parsePattern(glob)
	if err != nil {
		return r, err
	}
	if p.Flags == bpf.EnforcerRefPatternFlagsREF_ONE_LEVEL {
		return r, fmt.Errorf("glob %q: mount rules allow `**` only", glob)
	}
	r.Pattern = p
	for more {
		var option string
		option, options, more = strings.Cut(options, ",")
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "fstype":
			if value == "" || len(value) >= len(r.Fstype) {
				return r, fmt.Errorf("mount rule %q: a file system type has 1 to %d bytes", s,
					len(r.Fstype)-1)
			}
			copy(r.Fstype[:], value)
		case "op":
			if r.Ops, err = parseMountOps(value); err != nil {
				return r, fmt.Errorf("mount rule %q: %w", s, err)
			}
		default:
			return r, fmt.Errorf(
				"mount rule %q: unknown option %q; want GLOB[,fstype=NAME][,op=OP[+OP...]]", s, option)
		}
	}
	return r, nil
}

func parseMountOps(s string) (ops bpf.EnforcerRefMountOp, err error) {
	for name := range strings.SplitSeq(s, "+") {
		op, ok := mountOps[name]
		if !ok {
			return 0, fmt.Errorf("unknown operation %q; want mount, bind, remount, move or umount", name)
		}
		ops |= op
	}
	return ops, nil
}
