package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

// goodFacts is a machine on which everything works.
func goodFacts() machineFacts {
	return machineFacts{
		arch: "amd64", release: "6.12.9-cloud-amd64", version: kernel.Version{Major: 6, Minor: 12},
		privileges: kernel.Privileges{Effective: ^uint64(0), Bounding: ^uint64(0), Memlock: 8 << 20},
		btf:        true, builtIn: true, lsms: []string{"lockdown", "capability", "bpf"}, lockdown: "none", jit: 1,
		clock: "tsc", preemption: kernel.PreemptNone,
		enforcers: []foundEnforcer{{"varmor", 12}},
	}
}

func TestGoodMachineIsSupportedWithoutWarnings(t *testing.T) {
	items := judge(goodFacts())
	for _, i := range items {
		if i.State != stateOK || i.Value == "" {
			t.Errorf("%+v", i)
		}
	}
	if err := unsupported(items); err != nil {
		t.Error(err)
	}
}

func TestEachProblemHasItsRemedy(t *testing.T) {
	eperm := fmt.Errorf("load: %w", unix.EPERM)
	for _, test := range []struct {
		name           string
		change         func(*machineFacts)
		item           string
		state          checkState
		reason, remedy string
	}{
		{
			"old kernel", func(f *machineFacts) { f.release, f.version = "5.4.0", kernel.Version{Major: 5, Minor: 4} },
			"kernel", stateFail, "from Linux 5.10", "boot Linux 5.10 or later",
		},
		{
			"old arm64", func(f *machineFacts) { f.arch, f.version = "arm64", kernel.Version{Major: 5, Minor: 15} },
			"kernel", stateFail, "arm64", "6.0",
		},
		{
			"strange release", func(f *machineFacts) { f.versionErr = errors.New(`kernel release "x"`) },
			"kernel", stateFail, `kernel release "x"`, "boot",
		},
		{
			"not root", func(f *machineFacts) { f.privileges.UID, f.privileges.Effective = 1000, 0 },
			"privileges", stateFail, "not root", "sudo",
		},
		{
			"container", func(f *machineFacts) { f.privileges.Effective, f.privileges.Bounding = 0, 0xa80425fb },
			"privileges", stateFail, "out of reach", "--cap-add SYS_ADMIN",
		},
		{
			"root without capabilities", func(f *machineFacts) { f.privileges.Effective = 0 },
			"privileges", stateFail, "root without CAP_SYS_ADMIN", "full root",
		},
		{
			"rootless container", func(f *machineFacts) { f.privileges.UserNamespace = true },
			"privileges", stateFail, "user namespace", "root of the host",
		},
		{
			"memlock", func(f *machineFacts) {
				f.version = kernel.Version{Major: 5, Minor: 10}
				f.privileges.Effective = 1 << unix.CAP_SYS_ADMIN
			},
			"locked memory", stateFail, "before Linux 5.11", "ulimit -l unlimited",
		},
		{"no BTF", func(f *machineFacts) { f.btf = false }, "BTF", stateFail, "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF=y"},
		{"no BPF LSM", func(f *machineFacts) { f.builtIn = false }, "BPF LSM built in", stateFail, "no BPF LSM", "CONFIG_BPF_LSM=y"},
		{
			"bpf not active", func(f *machineFacts) { f.lsms = []string{"lockdown", "capability", "yama", "apparmor"} },
			"BPF LSM active", stateFail, "bpf is not among", "boot with lsm=lockdown,capability,yama,apparmor,bpf (add it to GRUB",
		},
		{
			"bpf not active, parameter given", func(f *machineFacts) { f.lsms, f.bootParameter = []string{"capability", "yama"}, "lsm=yama" },
			"BPF LSM active", stateFail, "bpf is not among", "boot with lsm=capability,yama,bpf (it replaces lsm=yama",
		},
		{
			"LSM list unreadable", func(f *machineFacts) { f.lsms, f.lsmsErr = nil, os.ErrNotExist },
			"BPF LSM active", stateWarn, "not exist", "mount -t securityfs",
		},
		{
			"confidentiality", func(f *machineFacts) { f.lockdown, f.tracing = "confidentiality", unix.EINVAL },
			"lockdown", stateFail, "may not read kernel memory", "lockdown=integrity",
		},
		{
			"confidentiality blamed by the trial", func(f *machineFacts) { f.lockdown, f.tracing = "confidentiality", unix.EINVAL },
			"tracing programs", stateFail, "lockdown=confidentiality forbids", "lockdown=integrity",
		},
		{"no JIT", func(f *machineFacts) { f.jit = 0 }, "JIT", stateFail, "compiled programs only", "sysctl net.core.bpf_jit_enable=1"},
		{"JIT debugging", func(f *machineFacts) { f.jit = 2 }, "JIT", stateWarn, "log", "sysctl"},
		{
			"tracing forbidden", func(f *machineFacts) { f.tracing = eperm },
			"tracing programs", stateFail, "this kernel or a security policy forbids", "higher MEMLOCK limit do not help",
		},
		{
			"LSM forbidden", func(f *machineFacts) { f.lsm = eperm },
			"LSM programs", stateFail, "this kernel or a security policy forbids", "stock kernel",
		},
		{"no trampolines", func(f *machineFacts) { f.tracing = enotsupp }, "tracing programs", stateFail, "no trampolines", "newer kernel"},
		{"all links", func(f *machineFacts) { f.tracing = unix.E2BIG }, "tracing programs", stateFail, "has all the trampoline programs", "stop another tracer"},
		{"live patch", func(f *machineFacts) { f.lsm = unix.EBUSY }, "LSM programs", stateFail, "live patch", "unload"},
		{"no hook function", func(f *machineFacts) { f.lsm = unix.ESRCH }, "LSM programs", stateFail, "bpf_lsm_task_getpgid", "CONFIG_BPF_LSM=y"},
		{"unheard of", func(f *machineFacts) { f.lsm = unix.ENOSPC }, "LSM programs", stateFail, "no space left", "report it"},
		{"busy function", func(f *machineFacts) { f.busiest = 35 }, "link limit", stateWarn, "a pair of probes takes two more", "stop another tracer"},
		{"hook mode", func(f *machineFacts) { f.scope = profile.ScopeHook }, "attach mode", stateWarn, "5.18", "tell them apart"},
		{"hpet", func(f *machineFacts) { f.clock = "hpet" }, "clock source", stateWarn, "microsecond", "clocksource=tsc"},
		{"early tsc", func(f *machineFacts) { f.clock = "tsc-early" }, "clock source", stateWarn, "not calibrated yet", "wait"},
		{"kvm-clock", func(f *machineFacts) { f.clock = "kvm-clock" }, "clock source", stateOK, "slower", ""},
		{"preemption", func(f *machineFacts) { f.preemption = kernel.PreemptLazy }, "preemption", stateOK, "counted, not timed", ""},
		{"retpolines", func(f *machineFacts) { f.mitigations = []string{"spectre_v2: Retpolines"} }, "mitigations", stateOK, "dearer", ""},
		{"no enforcer", func(f *machineFacts) { f.enforcers = nil }, "enforcers", stateWarn, "nothing to profile yet", "lsmprof enforce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := goodFacts()
			test.change(&f)
			items := judge(f)
			verdict := unsupported(items)
			if (verdict != nil) != (test.state == stateFail) {
				t.Errorf("verdict: %v", verdict)
			}
			for _, i := range items {
				if i.Name != test.item {
					continue
				}
				if i.State != test.state || !strings.Contains(i.Reason, test.reason) || !strings.Contains(i.Remedy, test.remedy) {
					t.Errorf("got %+v", i)
				}
				return
			}
			t.Errorf("no item %q", test.item)
		})
	}
}

func TestVerdictIsOneLineAboutTheFirstFailure(t *testing.T) {
	f := goodFacts()
	f.btf, f.tracing = false, unix.EPERM
	err := unsupported(judge(f))
	if !errors.As(err, new(unsupportedError)) {
		t.Fatalf("not the error for exit code 3: %v", err)
	}
	if s := err.Error(); strings.Contains(s, "\n") || !strings.Contains(s, "BTF: /sys/kernel/btf/vmlinux is missing; boot a kernel") || !strings.HasSuffix(s, "(and 1 more)") {
		t.Errorf("got %q", s)
	}
}

func TestCheckOutput(t *testing.T) {
	f := goodFacts()
	f.lsms, f.clock = []string{"capability"}, "hpet"
	var text bytes.Buffer
	if err := printCheck(&text, "text", f); err == nil {
		t.Error("no error for a machine without the BPF LSM")
	}
	golden.Equal(t, "check_no_bpf.txt", text.Bytes())
	text.Reset()
	if err := printCheck(&text, "text", goodFacts()); err != nil {
		t.Error(err)
	}
	golden.Equal(t, "check_good.txt", text.Bytes())
}

func TestCheckJSON(t *testing.T) {
	f := goodFacts()
	f.jit = 0
	var out bytes.Buffer
	if err := printCheck(&out, "json", f); !errors.As(err, new(unsupportedError)) {
		t.Errorf("got %v", err)
	}
	var doc checkDocument
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "lsmprof/check/v1" || doc.Supported || len(doc.Items) != len(judge(f)) {
		t.Errorf("schema %q, supported %v, %d items", doc.Schema, doc.Supported, len(doc.Items))
	}
}
