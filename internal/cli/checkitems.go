package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// checkItem is one line of `lsmprof check`: what was looked at, what was found, why that is bad and what to do about it.
type checkItem struct {
	Name   string     `json:"item"`
	State  checkState `json:"state"`
	Value  string     `json:"value"`
	Reason string     `json:"reason,omitempty"`
	Remedy string     `json:"remedy,omitempty"`
}

type checkState string

const (
	stateOK   checkState = "ok"
	stateWarn checkState = "warn" // works, with a limit the user should know
	stateFail checkState = "fail" // nothing can be profiled
)

// judge looks at every fact. An item that fails comes before those that fail because of it.
func judge(f machineFacts) []checkItem {
	items := []checkItem{judgeKernel(f), judgePrivileges(f)}
	if f.versionErr == nil && !f.version.AtLeast(5, 11) {
		items = append(items, judgeMemlock(f))
	}
	items = append(items,
		judgeBTF(f), judgeBuiltIn(f), judgeActive(f), judgeLockdown(f), judgeJIT(f),
		judgeTrial("tracing programs", f.tracing, f), judgeTrial("LSM programs", f.lsm, f),
		judgeLinks(f), judgeMode(f), judgeClock(f), judgePreemption(f), judgeMitigations(f))
	if f.calibration.Runs > 0 || f.calibrationErr != nil {
		items = append(items, judgeCalibration(f))
	}
	return append(items, judgeEnforcers(f))
}

func (i checkItem) fail(reason, remedy string) checkItem { return i.because(stateFail, reason, remedy) }

func (i checkItem) warn(reason, remedy string) checkItem { return i.because(stateWarn, reason, remedy) }

func (i checkItem) because(state checkState, reason, remedy string) checkItem {
	i.State, i.Reason, i.Remedy = state, reason, remedy
	return i
}

func ok(name, value string) checkItem { return checkItem{Name: name, State: stateOK, Value: value} }

func judgeKernel(f machineFacts) checkItem {
	i := ok("kernel", f.release+" "+f.arch)
	switch {
	case f.versionErr != nil:
		return i.fail(f.versionErr.Error(), "boot a Linux 5.10 or later with an ordinary release string")
	case !f.version.AtLeast(5, 10):
		return i.fail("BPF LSM programs can be profiled from Linux 5.10 on", "boot Linux 5.10 or later")
	case f.arch == "arm64" && !f.version.AtLeast(6, 0):
		return i.fail("arm64 has trampolines for BPF programs from Linux 6.0 on", "boot Linux 6.0 or later")
	}
	return i
}

func judgePrivileges(f machineFacts) checkItem {
	p := f.privileges
	i := ok("privileges", fmt.Sprintf("uid %d", p.UID))
	if f.privilegesErr != nil {
		return i.fail(f.privilegesErr.Error(), "mount /proc")
	}
	var missing, bounded []string
	for _, c := range kernel.NeedCaps() {
		if !p.Has(c) {
			missing = append(missing, c)
		}
		if !p.MayHave(c) {
			bounded = append(bounded, c)
		}
	}
	switch names := strings.Join(missing, ", "); {
	case len(bounded) > 0:
		return i.fail(fmt.Sprintf("%s is out of reach: the container or service was started without it", names),
			"start the container with --privileged or --cap-add "+strings.TrimPrefix(bounded[0], "CAP_")+", or run lsmprof on the host")
	case len(missing) > 0 && p.UID != 0:
		return i.fail("not root: "+names+" is missing", "run it with sudo")
	case len(missing) > 0:
		return i.fail("root without "+names, "run it as full root")
	case p.UserNamespace:
		return i.fail("root of a user namespace (a rootless container) has no power over BPF", "run it as root of the host")
	}
	i.Value += ", " + strings.Join(kernel.NeedCaps(), ", ")
	return i
}

// judgeMemlock: before 5.11, BPF maps count against RLIMIT_MEMLOCK.
func judgeMemlock(f machineFacts) checkItem {
	if f.privileges.Memlock == ^uint64(0) {
		return ok("locked memory", "unlimited")
	}
	i := ok("locked memory", fmt.Sprintf("%d KiB", f.privileges.Memlock>>10))
	if !f.privileges.Has("CAP_SYS_RESOURCE") {
		return i.fail("before Linux 5.11 BPF maps count against this limit, and raising it takes CAP_SYS_RESOURCE", "ulimit -l unlimited")
	}
	i.Value += ", raised by lsmprof"
	return i
}

func judgeBTF(f machineFacts) checkItem {
	if !f.btf {
		return ok("BTF", "none").fail("/sys/kernel/btf/vmlinux is missing", "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; most distributions' are")
	}
	return ok("BTF", "/sys/kernel/btf/vmlinux")
}

func judgeBuiltIn(f machineFacts) checkItem {
	switch {
	case f.builtInErr != nil:
		return ok("BPF LSM built in", "unknown").warn(f.builtInErr.Error(), "")
	case !f.builtIn:
		return ok("BPF LSM built in", "no").fail("the kernel has no BPF LSM", "boot a kernel with CONFIG_BPF_LSM=y")
	}
	return ok("BPF LSM built in", "yes")
}

func judgeActive(f machineFacts) checkItem {
	i := ok("BPF LSM active", strings.Join(f.lsms, ","))
	switch {
	case f.lsmsErr != nil:
		i.Value = "unknown"
		return i.warn(f.lsmsErr.Error(), "mount -t securityfs none /sys/kernel/security")
	case !slices.Contains(f.lsms, "bpf"):
		where := "add it to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub and reboot"
		if f.bootParameter != "" {
			where = "it replaces " + f.bootParameter + "; then reboot"
		}
		return i.fail("bpf is not among the active security modules, so no LSM program is ever called",
			fmt.Sprintf("boot with %s (%s)", kernel.BootLSM(f.lsms), where))
	}
	return i
}

// judgeLockdown leaves the verdict to the trial: only a kernel in confidentiality mode that also refused it is to blame.
func judgeLockdown(f machineFacts) checkItem {
	i := ok("lockdown", cmp.Or(f.lockdown, "none"))
	switch {
	case f.lockdown != "confidentiality" || f.tracing == nil:
	case errors.Is(f.tracing, errNotTried):
		return i.warn("BPF programs may not read kernel memory", "boot with lockdown=integrity, or without lockdown")
	default:
		return i.fail("BPF programs may not read kernel memory", "boot with lockdown=integrity, or without lockdown")
	}
	return i
}

func judgeJIT(f machineFacts) checkItem {
	const on = "sysctl net.core.bpf_jit_enable=1"
	switch f.jit {
	case 0:
		return ok("JIT", "off").fail("trampolines call compiled programs only", on)
	case 2:
		return ok("JIT", "debugging").warn("the compiler also dumps every program into the kernel's log", on)
	case -1:
		return ok("JIT", "unknown").warn("net.core.bpf_jit_enable cannot be read; the trials below tell", "")
	}
	return ok("JIT", "on")
}

// judgeLinks: how many programs a function takes depends on the kernel by a few, so it warns early.
func judgeLinks(f machineFacts) checkItem {
	i := ok("link limit", fmt.Sprintf("about %d a function, %d used on the busiest", lsm.TrampolineLimit, f.busiest))
	switch {
	case errors.Is(f.tracing, errNotTried):
		i.Value = fmt.Sprintf("about %d a function", lsm.TrampolineLimit)
	case !f.version.AtLeast(5, 13):
		i.Value = fmt.Sprintf("about %d a function; this kernel does not say how many are used", lsm.TrampolineLimit)
	}
	if f.busiest >= lsm.TrampolineLimit-4 {
		return i.warn("a pair of probes takes two more: they may not fit on that function", "stop another tracer")
	}
	return i
}

func judgeMode(f machineFacts) checkItem {
	if errors.Is(f.tracing, errNotTried) {
		return ok("attach mode", "unknown").warn("not tried", "")
	}
	if f.scope == profile.ScopeHook {
		return ok("attach mode", "hook").warn("before Linux 5.18 the programs of a hook are measured together", "boot Linux 5.18 or later to tell them apart")
	}
	return ok("attach mode", "program")
}

func judgeClock(f machineFacts) checkItem {
	i := ok("clock source", f.clock)
	switch f.clock {
	case "tsc", "arch_sys_counter":
	case "kvm-clock", "hyperv_clocksource_tsc_page", "xen":
		i.Reason = "reads the tsc through the hypervisor's page: a little slower, calibration takes it into account"
	case "":
		i.Value = "unknown"
		return i.warn("the kernel does not say what it reads the time from", "")
	case "tsc-early":
		return i.warn("the tsc is not calibrated yet: times may be off by some percent", "wait some seconds after boot")
	default:
		return i.warn("reading it takes up to a microsecond, twice per invocation: probes cost and blur more", "boot with clocksource=tsc if the CPU has an invariant one")
	}
	return i
}

func judgePreemption(f machineFacts) checkItem {
	i := ok("preemption", f.preemption)
	switch f.preemption {
	case kernel.PreemptFull, kernel.PreemptLazy, kernel.PreemptRT:
		i.Reason = "invocations that another task interrupts are counted, not timed"
	case kernel.PreemptUnknown:
		i.Reason = "lsmprof assumes that the kernel preempts itself"
	}
	return i
}

func judgeMitigations(f machineFacts) checkItem {
	if len(f.mitigations) == 0 {
		return ok("mitigations", "none")
	}
	i := ok("mitigations", strings.Join(f.mitigations, "; "))
	if slices.ContainsFunc(f.mitigations, func(m string) bool { return strings.HasPrefix(m, "spectre_v2: Retpolines") }) {
		i.Reason = "retpolines make every hook's indirect calls dearer: dispatch here is not dispatch elsewhere"
	}
	return i
}

func judgeEnforcers(f machineFacts) checkItem {
	i := ok("enforcers", "none")
	if f.enforcersErr != nil {
		i.Value = "unknown"
		return i.warn(f.enforcersErr.Error(), "")
	}
	var found []string
	for _, e := range f.enforcers {
		found = append(found, fmt.Sprintf("%s (%d programs)", e.name, e.programs))
	}
	if len(found) == 0 {
		return i.warn("no BPF LSM program is attached: there is nothing to profile yet", "start the enforcer; `lsmprof enforce` is one to try")
	}
	i.Value = strings.Join(found, ", ")
	return i
}
