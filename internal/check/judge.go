package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Judge looks at every fact. An item that fails precedes the items that fail because of it.
func (f *Facts) Judge() []Item {
	items := []Item{judgeKernel(f), judgePrivileges(f)}
	if f.VersionErr == nil && !f.Version.AtLeast(5, 11) {
		items = append(items, judgeMemlock(f))
	}
	items = append(items,
		judgeBTF(f), judgeBuiltIn(f), judgeActive(f), judgeModules(f), judgeLockdown(f), judgeJIT(f),
		judgeTrial("tracing programs", f.Tracing, f), judgeTrial("LSM programs", f.LSM, f),
		judgeLinks(f), judgeMode(f), judgeClock(f), judgePreemption(f), judgeMitigations(f))
	if f.Calibration.Runs > 0 || f.CalibrationErr != nil {
		items = append(items, judgeCalibration(f))
	}
	items = append(items, judgeEnforcers(f))
	if len(f.Refused) > 0 {
		items = append(items, judgeRefused(f))
	}
	return items
}

func judgeKernel(f *Facts) Item {
	i := ok("kernel", f.Release+" "+f.Arch)
	switch {
	case f.VersionErr != nil:
		return i.fail(f.VersionErr.Error(), "boot Linux 5.10 or later with an ordinary release string")
	case !f.Version.AtLeast(5, 10):
		return i.fail("lsmprof needs Linux 5.10 or later", "boot Linux 5.10 or later")
	case f.Arch == "arm64" && !f.Version.AtLeast(6, 4):
		return i.fail("on arm64 BPF programs cannot be attached to LSM hooks before Linux 6.4, which brought "+
			"ftrace direct calls",
			"boot Linux 6.4 or later")
	}
	return i
}

const privilegesName = "privileges"

func judgePrivileges(f *Facts) Item {
	p := f.Privileges
	i := ok(privilegesName, fmt.Sprintf("uid %d", p.UID))
	if f.PrivilegesErr != nil {
		return i.fail(f.PrivilegesErr.Error(), "mount /proc")
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
		return i.fail(names+" is out of reach: the container or service was started without it",
			"start the container with --privileged or --cap-add "+strings.TrimPrefix(bounded[0], "CAP_")+
				", or run lsmprof on the host")
	case len(missing) > 0 && p.UID != 0:
		return i.fail("not root: "+names+" is missing", "run it with sudo")
	case len(missing) > 0:
		return i.fail("root without "+names, "run it as full root")
	case p.UserNamespace:
		return i.fail("root of a user namespace (a rootless container) may not load BPF programs",
			"run it as root of the host")
	}
	i.Value += ", " + strings.Join(kernel.NeedCaps(), ", ")
	return i
}

// judgeMemlock looks at RLIMIT_MEMLOCK, which limits BPF maps before Linux 5.11.
func judgeMemlock(f *Facts) Item {
	if f.Privileges.Memlock == ^uint64(0) {
		return ok("locked memory", "unlimited")
	}
	i := ok("locked memory", fmt.Sprintf("%d KiB", f.Privileges.Memlock>>10))
	if !f.Privileges.Has("CAP_SYS_RESOURCE") {
		return i.fail("before Linux 5.11 this limits the size of BPF maps, and lsmprof needs "+
			"CAP_SYS_RESOURCE to raise it",
			"ulimit -l unlimited")
	}
	i.Value += ", raised by lsmprof"
	return i
}

func judgeBTF(f *Facts) Item {
	if !f.BTF {
		return ok("BTF", "none").fail("/sys/kernel/btf/vmlinux is missing",
			"boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as most distributions have")
	}
	return ok("BTF", "/sys/kernel/btf/vmlinux")
}

func judgeBuiltIn(f *Facts) Item {
	switch {
	case slices.Contains(f.LSMs, "bpf"): // what is active is built in
	case f.BuiltInErr != nil:
		return ok("BPF LSM built in", "unknown").warn(f.BuiltInErr.Error(), "")
	case !f.BuiltIn:
		return ok("BPF LSM built in", "no").fail("the kernel has no BPF LSM",
			"boot a kernel with CONFIG_BPF_LSM=y")
	}
	return ok("BPF LSM built in", "yes")
}

func judgeActive(f *Facts) Item {
	i := ok("BPF LSM active", strings.Join(f.LSMs, ","))
	switch {
	case f.LSMsErr != nil:
		i.Value = "unknown"
		return i.warn(f.LSMsErr.Error(), "mount -t securityfs none /sys/kernel/security")
	case !slices.Contains(f.LSMs, "bpf"):
		return i.fail("bpf is not among the active security modules, so the kernel never calls an LSM program",
			f.bootRemedy())
	}
	return i
}

// judgeLockdown blames confidentiality mode only if the kernel has also refused the trial.
func judgeLockdown(f *Facts) Item {
	i := ok("lockdown", cmp.Or(f.Lockdown, "none"))
	if f.Lockdown != "confidentiality" || f.Tracing == nil {
		return i
	}
	const reason, remedy = "BPF programs may not read kernel memory",
		"boot with lockdown=integrity, or without lockdown"
	if errors.Is(f.Tracing, ErrNotTried) {
		return i.warn(reason, remedy)
	}
	return i.fail(reason, remedy)
}

func judgeJIT(f *Facts) Item {
	const on = "sysctl net.core.bpf_jit_enable=1"
	switch f.JIT {
	case 0:
		return ok("JIT", "off").fail("the kernel attaches only compiled programs to functions", on)
	case 2:
		return ok("JIT", "debugging").warn("the compiler also dumps every program into the kernel's log", on)
	case -1:
		return ok("JIT", "unknown").warn("net.core.bpf_jit_enable cannot be read; the trials below show "+
			"whether it is on", "")
	}
	return ok("JIT", "on")
}

// judgeLinks warns a little below the limit, because the limit differs by a few between kernels.
func judgeLinks(f *Facts) Item {
	i := ok("link limit",
		fmt.Sprintf("about %d a function, %d used on the busiest", lsm.TrampolineLimit, f.Busiest))
	switch {
	case errors.Is(f.Tracing, ErrNotTried):
		i.Value = fmt.Sprintf("about %d a function", lsm.TrampolineLimit)
	case !f.Version.AtLeast(5, 13):
		i.Value = fmt.Sprintf("about %d a function; this kernel does not say how many are used",
			lsm.TrampolineLimit)
	}
	if f.Busiest >= lsm.TrampolineLimit-4 {
		return i.warn("a pair of probes needs two more on a function, which may not fit", "stop another tracer")
	}
	return i
}

func judgeMode(f *Facts) Item {
	if errors.Is(f.Tracing, ErrNotTried) {
		return ok("attach mode", NotTried).warn("lsmprof lacks the privileges to try", "")
	}
	if f.Scope == profile.ScopeHook {
		return ok("attach mode", "hook").warn(
			"before Linux 5.18 lsmprof measures all programs of a hook together",
			"boot Linux 5.18 or later to tell them apart")
	}
	return ok("attach mode", "program")
}

func judgeEnforcers(f *Facts) Item {
	i := ok("enforcers", "none")
	switch {
	case errors.Is(f.EnforcersErr, ErrNotTried):
		i.Value = NotTried
		return i.warn("lsmprof lacks the privileges to look", "")
	case f.EnforcersErr != nil:
		i.Value = "unknown"
		return i.warn(f.EnforcersErr.Error(), "")
	case len(f.Enforcers) == 0:
		return i.warn("no BPF LSM program is attached, so there is nothing to profile yet",
			"start the enforcer; `lsmprof enforce` is one to try")
	}
	var found []string
	for _, e := range f.Enforcers {
		found = append(found, fmt.Sprintf("%s (%s)", e.Name, text.Plural(e.Programs, "program")))
	}
	i.Value = strings.Join(found, ", ")
	return i
}

// judgeRefused names the programs whose owner keeps them from being opened.
func judgeRefused(f *Facts) Item {
	var hooks []string
	for _, p := range f.Refused {
		hooks = append(hooks, p.Hook)
	}
	slices.Sort(hooks)
	return ok("guarded programs", text.Plural(len(f.Refused), "program")).warn(
		"the owner of programs on "+text.List(slices.Compact(hooks))+" keeps them from being opened: lsmprof "+
			"measures the hook as a whole", "")
}
