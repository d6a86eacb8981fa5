package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"slices"

	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// machineFacts is what check judges. Where a fact could not be had, its error says why.
type machineFacts struct {
	arch       string
	release    string
	version    kernel.Version
	versionErr error

	privileges    kernel.Privileges
	privilegesErr error

	btf           bool
	builtIn       bool // BPF LSM compiled in
	builtInErr    error
	lsms          []string
	lsmsErr       error
	bootParameter string // lsm= as booted
	lockdown      string
	jit           int

	tracing, lsm error // of a real load and attach; errNotTried where that was pointless
	busiest      int   // trampoline programs on the function that has most
	scope        profile.Scope
	clock        string
	preemption   string
	mitigations  []string

	calibration    profile.Calibration // zero: not tried
	calibrationErr error

	enforcers    []foundEnforcer
	enforcersErr error
}

// foundEnforcer is a group of attached programs.
type foundEnforcer struct {
	name     string
	programs int
}

var errNotTried = errors.New("not tried")

// gatherFacts asks the machine. Without the privileges that lsmprof needs it does not try to load anything.
func gatherFacts(find func() ([]foundEnforcer, error)) machineFacts {
	f := machineFacts{
		arch:        runtime.GOARCH,
		btf:         kernel.HasBTF(),
		lockdown:    kernel.Lockdown(),
		jit:         kernel.JIT(),
		clock:       kernel.ClockSource(),
		preemption:  kernel.Preemption(),
		mitigations: kernel.Mitigations(),
		tracing:     errNotTried, lsm: errNotTried, enforcersErr: errNotTried,
		bootParameter: kernel.LSMParameter(),
	}
	if f.release, _, f.versionErr = kernel.Uname(); f.versionErr == nil {
		f.version, f.versionErr = kernel.ParseVersion(f.release)
	}
	f.privileges, f.privilegesErr = kernel.CurrentPrivileges()
	f.builtIn, f.builtInErr = bpfLSMBuiltIn()
	f.lsms, f.lsmsErr = kernel.LSMs()
	if f.versionErr != nil || !f.version.AtLeast(5, 10) || judgePrivileges(f).State == stateFail {
		return f
	}
	f.tracing, f.lsm = lsm.TryTracing(), lsm.TryLSM()
	f.busiest, _ = lsm.Busiest()
	f.scope, f.versionErr = tracer.SupportedScope()
	if f.tracing == nil && f.lsm == nil && f.versionErr == nil {
		f.calibration, f.calibrationErr = tracer.Calibrate(context.Background(), tracer.CalibrateOptions{Sleepable: true, Logger: slog.Default()})
	}
	f.enforcers, f.enforcersErr = find()
	return f
}

// bpfLSMBuiltIn asks the configuration and, where that is not to be had, whether the hooks' functions are there.
func bpfLSMBuiltIn() (bool, error) {
	if value, err := kernel.Config("CONFIG_BPF_LSM"); err == nil {
		return value == "y", nil
	}
	return kernel.HasSymbol(lsm.HookPrefix + "file_open")
}

// findEnforcers groups the attached programs: by product, and where lsmprof does not know it by what their names begin with.
func findEnforcers() ([]foundEnforcer, error) {
	progs, err := tracer.Programs()
	if err != nil {
		return nil, err
	}
	byName := map[string]int{}
	enforcers := inforce.New(nil)
	enforcers.Identify(progs)
	for _, p := range progs {
		if p.Attached() {
			byName[enforcers.Owner(p)]++
		}
	}
	var found []foundEnforcer
	for _, name := range slices.SortedFunc(maps.Keys(byName), cmp.Compare[string]) {
		found = append(found, foundEnforcer{name, byName[name]})
	}
	return found, nil
}
