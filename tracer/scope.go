package tracer

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

// firstProgramScope is Linux 5.18. Before 4a9c7bbe2ed4 ("bpf: Resolve to prog->aux->dst_prog->type only for
// BPF_PROG_TYPE_EXT") the verifier dereferences NULL when a tracing program targets an LSM program, and the kernel
// crashes. So the version decides, never a trial.
const firstProgramScope = 5<<16 | 18<<8

// SupportedScope returns what probes sit on in the running kernel: programs, or hooks before Linux 5.18. [Start],
// [StartTrace] and [Calibrate] always use it.
func SupportedScope() (profile.Scope, error) {
	v, err := features.LinuxVersionCode()
	if err != nil {
		return 0, fmt.Errorf("read the kernel version: %w", err)
	}
	return scopeOf(v), nil
}

func scopeOf(version uint32) profile.Scope {
	if version < firstProgramScope {
		return profile.ScopeHook
	}
	return profile.ScopeProgram
}

// machine is what probes have to fit.
type machine struct {
	scope       profile.Scope
	preemptible bool  // the kernel preempts kernel code, so the probes check for it
	smallValues bool  // refuse map values of more than 4 MiB
	cpus        int   // that are possible
	online      []int // CPUs, now
}

// findMachine asks the running kernel. Tests override it through the context.
func findMachine(ctx context.Context) (m machine, err error) {
	override := kernel.OverrideFrom(ctx)
	if m.scope, err = SupportedScope(); err != nil {
		return m, err
	}
	if override.HookScope {
		m.scope = profile.ScopeHook
	}
	if override.Preemptible != nil {
		m.preemptible = *override.Preemptible
	} else {
		m.preemptible = kernel.Preempts()
	}
	m.smallValues = override.SmallValues
	if m.cpus, err = ebpf.PossibleCPU(); err != nil {
		return m, fmt.Errorf("count CPUs: %w", err)
	}
	if m.online, err = kernel.OnlineCPUs(); err != nil {
		return m, err
	}
	if override.OnlineCPUs > 0 {
		m.online = nil
		for cpu := range override.OnlineCPUs {
			m.online = append(m.online, cpu)
		}
		m.cpus = max(m.cpus, override.OnlineCPUs)
	}
	return m, nil
}

// fits fails if a calibration was measured with other probes than this machine needs.
func (m machine) fits(c profile.Calibration) error {
	switch {
	case !c.Applies():
	case c.Scope != m.scope:
		return fmt.Errorf("the calibration is of probes on a %s: this kernel needs them on a %s",
			c.Scope, m.scope)
	case c.Preemptible != m.preemptible:
		return errors.New("the calibration is of a kernel with another preemption model: calibrate again")
	}
	return nil
}

// refuseCrash fails if probing an LSM program would crash the kernel. It does not rely on how the target was chosen.
func refuseCrash() error {
	scope, err := SupportedScope()
	if err == nil && scope != profile.ScopeProgram {
		err = fmt.Errorf("probing an LSM program crashes kernels before 5.18: %w", ErrUnsupported)
	}
	return err
}
