package check

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// goodFacts is a machine on which everything works.
func goodFacts() Facts {
	return Facts{
		Arch: "amd64", Release: "6.12.9-cloud-amd64", Version: kernel.Version{Major: 6, Minor: 12},
		Privileges: kernel.Privileges{Effective: ^uint64(0), Bounding: ^uint64(0), Memlock: 8 << 20},
		BTF:        true, BuiltIn: true, Lockdown: "none", JIT: 1,
		LSMs: []string{"lockdown", "capability", "bpf"},
		Functions: []tracer.Function{
			{LSM: "lockdown", Name: "lockdown_is_locked_down"}, {LSM: "capability", Name: "cap_capable"},
		},
		Clock: "tsc", Preemption: kernel.PreemptNone,
		Enforcers: []Enforcer{{"varmor", 12}},
	}
}

func TestGoodMachineIsSupportedWithoutWarnings(t *testing.T) {
	f := goodFacts()
	items := f.Judge()
	for _, i := range items {
		if i.State != OK || i.Value == "" {
			t.Errorf("%+v", i)
		}
	}
	if v := Decide(items); v != (Verdict{Yes, "yes: this node can be profiled"}) {
		t.Errorf("%+v", v)
	}
}

func TestEachProblemHasItsRemedy(t *testing.T) {
	eperm := fmt.Errorf("load: %w", unix.EPERM)
	for _, test := range []struct {
		name           string
		change         func(*Facts)
		item           string
		state          State
		reason, remedy string
	}{
		{
			"old kernel",
			func(f *Facts) { f.Release, f.Version = "5.4.0", kernel.Version{Major: 5, Minor: 4} },
			"kernel", Fail, "Linux 5.10 or later", "boot Linux 5.10 or later",
		},
		{
			"old arm64", func(f *Facts) { f.Arch, f.Version = "arm64", kernel.Version{Major: 6, Minor: 1} },
			"kernel", Fail, "on arm64", "boot Linux 6.4",
		},
		{
			"trial on an old arm64", func(f *Facts) {
				f.Arch, f.Version, f.Tracing = "arm64", kernel.Version{Major: 6, Minor: 1}, enotsupp
			},
			"tracing programs", Fail, "before Linux 6.4", "boot Linux 6.4",
		},
		{
			"strange release", func(f *Facts) { f.VersionErr = errors.New(`kernel release "x"`) },
			"kernel", Fail, `kernel release "x"`, "boot",
		},
		{
			"not root", func(f *Facts) { f.Privileges.UID, f.Privileges.Effective = 1000, 0 },
			"privileges", Fail, "not root", "sudo",
		},
		{
			"container", func(f *Facts) { f.Privileges.Effective, f.Privileges.Bounding = 0, 0xa80425fb },
			"privileges", Fail, "out of reach", "--cap-add SYS_ADMIN",
		},
		{
			"root without capabilities", func(f *Facts) { f.Privileges.Effective = 0 },
			"privileges", Fail, "root without CAP_SYS_ADMIN", "full root",
		},
		{
			"rootless container", func(f *Facts) { f.Privileges.UserNamespace = true },
			"privileges", Fail, "user namespace", "root of the host",
		},
		{
			"memlock", func(f *Facts) {
				f.Version = kernel.Version{Major: 5, Minor: 10}
				f.Privileges.Effective = 1 << unix.CAP_SYS_ADMIN
			},
			"locked memory", Fail, "before Linux 5.11", "ulimit -l unlimited",
		},
		{
			"no BTF", func(f *Facts) { f.BTF = false }, "BTF", Fail, "/sys/kernel/btf/vmlinux",
			"CONFIG_DEBUG_INFO_BTF=y",
		},
		{
			"no BPF LSM", func(f *Facts) { f.BuiltIn, f.LSMs = false, nil }, "BPF LSM built in", Fail,
			"no BPF LSM", "CONFIG_BPF_LSM=y",
		},
		{
			"bpf not active",
			func(f *Facts) { f.LSMs = []string{"lockdown", "capability", "yama", "apparmor"} },
			"BPF LSM active", Fail, "bpf is not among", "add lsm=lockdown,capability,yama,apparmor,bpf to",
		},
		{
			"bpf not active, parameter given",
			func(f *Facts) { f.LSMs, f.BootParameter = []string{"capability", "yama"}, "lsm=yama" },
			"BPF LSM active", Fail, "bpf is not among",
			"replace lsm=yama with lsm=capability,yama,bpf on the kernel's command line",
		},
		{
			"LSM list unreadable", func(f *Facts) { f.LSMs, f.LSMsErr = nil, os.ErrNotExist },
			"BPF LSM active", Warn, "not exist", "mount -t securityfs",
		},
		{
			"confidentiality", func(f *Facts) { f.Lockdown, f.Tracing = "confidentiality", unix.EINVAL },
			"lockdown", Fail, "may not read kernel memory", "lockdown=integrity",
		},
		{
			"confidentiality blamed by the trial",
			func(f *Facts) { f.Lockdown, f.Tracing = "confidentiality", unix.EINVAL },
			"tracing programs", Fail, "lockdown=confidentiality forbids", "lockdown=integrity",
		},
		{
			"no JIT", func(f *Facts) { f.JIT = 0 }, "JIT", Fail, "only compiled programs",
			"sysctl net.core.bpf_jit_enable=1",
		},
		{"JIT debugging", func(f *Facts) { f.JIT = 2 }, "JIT", Warn, "log", "sysctl"},
		{
			"tracing forbidden", func(f *Facts) { f.Tracing = eperm },
			"tracing programs", Fail, "this kernel or a security policy forbids",
			"higher MEMLOCK limit do not help",
		},
		{
			"LSM forbidden", func(f *Facts) { f.LSM = eperm },
			"LSM programs", Fail, "this kernel or a security policy forbids", "stock kernel",
		},
		{
			"no trampolines", func(f *Facts) { f.Tracing = enotsupp }, "tracing programs", Fail,
			"cannot attach",
			"6.4 or later on arm64",
		},
		{
			"all links", func(f *Facts) { f.Tracing = unix.E2BIG }, "tracing programs", Fail,
			"has all the trampoline programs", "stop another tracer",
		},
		{"live patch", func(f *Facts) { f.LSM = unix.EBUSY }, "LSM programs", Fail, "live patch", "unload"},
		{
			"no hook function", func(f *Facts) { f.LSM = unix.ESRCH }, "LSM programs", Fail,
			"bpf_lsm_task_getpgid", "CONFIG_BPF_LSM=y",
		},
		{
			"unknown error", func(f *Facts) { f.LSM = unix.ENOSPC }, "LSM programs", Fail, "no space left",
			"report it",
		},
		{
			"busy function", func(f *Facts) { f.Busiest = 35 }, "link limit", Warn,
			"a pair of probes needs two more", "stop another tracer",
		},
		{
			"hook mode", func(f *Facts) { f.Scope = profile.ScopeHook }, "attach mode", Warn, "5.18",
			"tell them apart",
		},
		{"hpet", func(f *Facts) { f.Clock = "hpet" }, "clock source", Warn, "1 µs", "clocksource=tsc"},
		{
			"coarse clock", func(f *Facts) { f.Clock, f.ClockTick = "arch_sys_counter", 40 },
			"clock source", Warn, "coarse below 320 ns", "means",
		},
		{
			"fine clock", func(f *Facts) { f.Clock, f.ClockTick = "arch_sys_counter", 1 },
			"clock source", OK, "", "",
		},
		{
			"early tsc", func(f *Facts) { f.Clock = "tsc-early" }, "clock source", Warn,
			"not calibrated yet",
			"wait",
		},
		{"kvm-clock", func(f *Facts) { f.Clock = "kvm-clock" }, "clock source", OK, "takes longer", ""},
		{
			"preemption", func(f *Facts) { f.Preemption = kernel.PreemptLazy }, "preemption", OK,
			"does not time them", "",
		},
		{
			"retpolines", func(f *Facts) { f.Mitigations = []string{"spectre_v2: Retpolines"} },
			"mitigations", OK,
			"slower", "",
		},
		{
			"no enforcer", func(f *Facts) { f.Enforcers = nil }, "enforcers", Warn,
			"nothing to profile yet",
			"lsmprof enforce",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := goodFacts()
			test.change(&f)
			items := f.Judge()
			if v := Decide(items); (v.Answer != Yes) != (test.state == Fail) {
				t.Errorf("verdict: %+v", v)
			}
			for _, i := range items {
				if i.Name != test.item {
					continue
				}
				if i.State != test.state || !strings.Contains(i.Reason, test.reason) ||
					!strings.Contains(i.Remedy, test.remedy) {
					t.Errorf("got %+v", i)
				}
				return
			}
			t.Errorf("no item %q", test.item)
		})
	}
}

func TestVerdict(t *testing.T) {
	noRoot := func(f *Facts) {
		f.Privileges.UID, f.Privileges.Effective = 1000, 0
		f.Tracing, f.LSM, f.EnforcersErr = ErrNotTried, ErrNotTried, ErrNotTried
	}
	for _, test := range []struct {
		name   string
		change func(*Facts)
		want   Verdict
	}{
		{"all is well", func(*Facts) {}, Verdict{Yes, "yes: this node can be profiled"}},
		{"warnings only", func(f *Facts) { f.Clock = "hpet" }, Verdict{Yes, "yes: this node can be profiled"}},
		{"no privileges", noRoot, Verdict{Unknown, "cannot tell: run it with sudo"}},
		{
			"no privileges are needed to see this", func(f *Facts) { noRoot(f); f.BTF = false },
			Verdict{No, "no: this node cannot be profiled: BTF"},
		},
		{
			"several", func(f *Facts) { f.BTF, f.Tracing = false, unix.EPERM },
			Verdict{No, "no: this node cannot be profiled: BTF, tracing programs"},
		},
	} {
		f := goodFacts()
		test.change(&f)
		if got := Decide(f.Judge()); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestGuardedProgramsAreNamed(t *testing.T) {
	f := goodFacts()
	f.Refused = []tracer.Program{{Hook: "bpf_prog"}, {Hook: "bpf_map"}, {Hook: "bpf_prog"}}
	items := f.Judge()
	i := items[len(items)-1]
	if i.State != Warn || i.Value != "3 programs" ||
		!strings.Contains(i.Reason, "on bpf_map and bpf_prog keeps them from being opened") {
		t.Errorf("%+v", i)
	}
}

func TestCalibrationItem(t *testing.T) {
	good := profile.Calibration{Runs: 400, Bias: profile.Median{Value: 80, Spread: 1}}
	refused, beside, shared := good, good, good
	refused.Refused, beside.Warnings = "too wide", []profile.Warning{{Text: "something else runs"}}
	shared.Warnings = []profile.Warning{{
		Kind: profile.WarnCalibrationShared,
		Text: "another program is on the hook",
	}}
	for _, test := range []struct {
		cal            profile.Calibration
		err            error
		state          State
		reason, remedy string
	}{
		{good, nil, OK, "", ""},
		{refused, nil, Warn, "too wide", "remove the cause"},
		{beside, nil, Warn, "something else", ""},
		{shared, nil, Warn, "another program", "detach that program"},
		{profile.Calibration{}, os.ErrPermission, Warn, "permission", "--calibration off"},
	} {
		f := goodFacts()
		f.Calibration, f.CalibrationErr = test.cal, test.err
		items := f.Judge()
		i := items[len(items)-2]
		if i.Name != "calibration" || i.State != test.state || !strings.Contains(i.Reason, test.reason) ||
			!strings.Contains(i.Remedy, test.remedy) {
			t.Errorf("%+v, want %s %q %q", i, test.state, test.reason, test.remedy)
		}
	}
}
