package tracer

import (
	"fmt"

	"github.com/cilium/ebpf/features"

	"github.com/lsmprof/lsmprof/profile"
)

// firstProgramScope is Linux 5.18: until 4a9c7bbe2ed4 ("bpf: Resolve to prog->aux->dst_prog->type only for BPF_PROG_TYPE_EXT") the
// verifier dereferences NULL when a tracing program targets an LSM program, and takes the kernel down. Never by trying.
const firstProgramScope = 5<<16 | 18<<8

// ScopeHere says what probes can sit on in the running kernel.
func ScopeHere() (profile.Scope, error) {
	v, err := features.LinuxVersionCode()
	if err != nil {
		return 0, fmt.Errorf("read the kernel version: %w", err)
	}
	if v < firstProgramScope {
		return profile.ScopeHook, nil
	}
	return profile.ScopeProgram, nil
}
