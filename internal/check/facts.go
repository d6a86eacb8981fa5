package check

import (
	"context"
	"errors"
	"log/slog"
	"runtime"

	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Facts is what lsmprof knows about a machine. An error next to a fact says why it is unknown.
type Facts struct {
	Arch       string // as GOARCH
	Release    string // of the kernel
	Version    kernel.Version
	VersionErr error
	Boot       Boot

	Privileges    kernel.Privileges
	PrivilegesErr error

	BTF           bool
	BuiltIn       bool // the BPF LSM is compiled in
	BuiltInErr    error
	LSMs          []string // active
	LSMsErr       error
	Functions     []tracer.Function // of active modules
	FunctionsErr  error
	BootParameter string // lsm=… as booted
	Lockdown      string
	JIT           int // of net.core.bpf_jit_enable, -1: unknown

	// Tracing and LSM are the results of loading and attaching a real program of the kind. They wrap ErrNotTried
	// without the privileges to try.
	Tracing, LSM error
	Busiest      int // trampoline programs on the function that has most
	Scope        profile.Scope
	Clock        string
	ClockTick    float64 // in nanoseconds, 0: unknown
	Preemption   string
	Mitigations  []string

	Calibration    profile.Calibration // zero: not tried
	CalibrationErr error

	Enforcers    []Enforcer
	Refused      []tracer.Program // those that refuse to be opened
	EnforcersErr error
}

// Enforcer is an enforcer with its number of attached programs.
type Enforcer struct {
	Name     string
	Programs int
}

// ErrNotTried is the result of a trial that lsmprof lacks the privileges for.
var ErrNotTried = errors.New("not tried")

// Gather collects the facts. With enough privileges it also loads and attaches short programs on a rarely called hook,
// and measures the cost of the probes, which takes about a second.
func Gather(ctx context.Context) Facts {
	f := Facts{
		Arch: runtime.GOARCH,
		Boot: boot("/proc/1/root", "/"),
		BTF:  kernel.HasBTF(), Lockdown: kernel.Lockdown(), JIT: kernel.JIT(),
		BootParameter: kernel.LSMParameter(),
		Clock:         kernel.ClockSource(), Preemption: kernel.Preemption(), Mitigations: kernel.Mitigations(),
		Tracing: ErrNotTried, LSM: ErrNotTried, EnforcersErr: ErrNotTried,
	}
	if f.Release, _, f.VersionErr = kernel.Uname(); f.VersionErr == nil {
		f.Version, f.VersionErr = kernel.ParseVersion(f.Release)
	}
	f.ClockTick = kernel.ClockTick(f.Clock)
	f.Privileges, f.PrivilegesErr = kernel.CurrentPrivileges()
	f.BuiltIn, f.BuiltInErr = builtIn()
	f.LSMs, f.LSMsErr = kernel.LSMs()
	f.Functions, f.FunctionsErr = tracer.Functions(f.LSMs)
	if f.VersionErr != nil || !f.Version.AtLeast(5, 10) || judgePrivileges(&f).State == Fail {
		return f
	}
	f.Tracing, f.LSM = lsm.TryTracing(), lsm.TryLSM()
	f.Busiest, _ = lsm.Busiest()
	f.Scope, f.VersionErr = tracer.SupportedScope()
	if f.Tracing == nil && f.LSM == nil && f.VersionErr == nil {
		f.Calibration, f.CalibrationErr = tracer.Calibrate(ctx,
			tracer.CalibrateOptions{Sleepable: true, Functions: true, Logger: slog.Default()})
	}
	f.findEnforcers()
	return f
}

// distribution reads the ids of the distribution and of those that it derives from. It returns "" if it cannot.
// builtIn reports whether the kernel has the BPF LSM. If the kernel's configuration is unavailable, it looks for a
// function of the BPF LSM instead.
func builtIn() (bool, error) {
	if value, err := kernel.Config("CONFIG_BPF_LSM"); err == nil {
		return value == "y", nil
	}
	return kernel.HasSymbol(lsm.HookPrefix + "file_open")
}

func (f *Facts) findEnforcers() {
	registry := inforce.New(nil)
	defer registry.Close()
	programs, err := registry.Look()
	f.EnforcersErr = err
	index := map[string]int{}
	for _, p := range programs {
		if !p.Attached() {
			continue
		}
		if p.Refused {
			f.Refused = append(f.Refused, p)
		}
		name := registry.Owner(p)
		n, found := index[name]
		if !found {
			n = len(f.Enforcers)
			index[name] = n
			f.Enforcers = append(f.Enforcers, Enforcer{Name: name})
		}
		f.Enforcers[n].Programs++
	}
}
