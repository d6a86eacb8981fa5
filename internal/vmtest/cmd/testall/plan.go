package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// pass is a kind of guest. The name of a test says which one it needs.
type pass string

const (
	plain   pass = ""
	exact   pass = "icount"
	twoCPUs pass = "2 CPUs"
	pods    pass = "containerd"
	podsV1  pass = "containerd, cgroup v1" // on the oldest kernel only
	// Guests that count instructions and have other security modules beside BPF.
	modules pass = "icount, AppArmor"
	selinux pass = "icount, SELinux"
)

var passes = []pass{plain, exact, twoCPUs, pods, podsV1, modules, selinux}

// counts reports whether the guest counts instructions.
func (p pass) counts() bool { return strings.HasPrefix(string(p), string(exact)) }

func passOf(test string) pass {
	switch {
	case strings.Contains(test, "LSMs"):
		return modules
	case strings.Contains(test, "SELinux"):
		return selinux
	case strings.Contains(test, "Icount"):
		return exact
	case strings.Contains(test, "TwoCPUs"):
		return twoCPUs
	case strings.Contains(test, "CgroupV1"):
		return podsV1
	case strings.Contains(test, "Containerd"):
		return pods
	}
	return plain
}

// part is what one guest runs of a package: its tests, or every n-th of them.
type part struct {
	kernelTests
	first, every int // of the tests that need a guest; every 0: all
}

// boot is one guest, in which the tests of several packages run one after the other.
type boot struct {
	kernel string
	pass   pass
	parts  []part
}

// cliGuests is how many plain guests the tests of internal/cli take, which take longest, on the kernel that also runs
// what does not depend on the kernel. On others they have one to themselves.
const cliGuests = 2

// alone reports whether a package shares no guest of this kind: its tests take long, or count every instruction.
func alone(path string, kind pass) bool {
	return path == "internal/cli" && (kind == plain || kind == exact) || path == "internal/accuracy" &&
		kind.counts()
}

// onArm64 are the packages whose tests run on the kernels of arm64, in which guests, and which tests. Emulating that
// machine takes longer than emulating this one.
var onArm64 = []struct {
	pkg   string
	pass  pass
	tests *regexp.Regexp // nil: all
}{
	{pkg: "tracer", pass: plain},
	{pkg: "internal/enforcer", pass: plain},
	{pkg: "internal/enforcer/reference", pass: plain},
	{
		pkg: "internal/cli", pass: plain,
		tests: regexp.MustCompile("CheckOnArm64|32Bit|KernelThreads|IOUring|EachRule"),
	},
	{
		pkg: "internal/accuracy", pass: exact,
		tests: regexp.MustCompile("Overhead|Accuracy|HooksOnce|Bias|Quantiles"),
	},
}

// anyOnArm64 reports whether any test of a package runs on arm64.
func anyOnArm64(pkg string) bool {
	for _, on := range onArm64 {
		if on.pkg == pkg {
			return true
		}
	}
	return false
}

// beforeLSM are kernels of arm64 that cannot attach LSM programs. Only the tests that lsmprof says so run there.
var beforeLSM = map[string]*regexp.Regexp{"6.1-arm64": regexp.MustCompile("CheckOnArm64")}

// runsOn reports whether a test of a package runs in guests of a kind with a kernel.
func runsOn(pkg, test, kernel string, kind pass) bool {
	if archOf(kernel) != "arm64" {
		return true
	}
	if only := beforeLSM[kernel]; only != nil && !only.MatchString(test) {
		return false
	}
	for _, on := range onArm64 {
		if on.pkg == pkg && on.pass == kind {
			return on.tests == nil || on.tests.MatchString(test)
		}
	}
	return false
}

// archOf returns the architecture of a kernel's guests.
func archOf(kernel string) string { return vmtest.ArchOf(kernel).Name }

// plan returns the boots, the longest first, so that nothing long is left alone at the end.
func plan(pkgs []kernelTests, kernels, icount []string) (all []boot) {
	one := oneKernel(kernels)
	for _, kernel := range kernels {
		for _, pass := range passes {
			switch {
			case pass.counts() && !slices.Contains(icount, kernel):
				continue
			// The container runtime does not depend on the kernel, and starting it takes its time.
			case pass == pods && kernel != one, pass == podsV1 && kernel != "5.10":
				continue
			}
			shared := boot{kernel: kernel, pass: pass}
			for _, p := range pkgs {
				p.tests = slices.DeleteFunc(slices.Clone(p.tests), func(name string) bool {
					return passOf(name) != pass || !runsOn(short(p.path), name, kernel, pass)
				})
				switch {
				case len(p.tests) == 0 || short(p.path) == "internal/cli" &&
					(pass == plain || pass == exact) && between(kernel, kernels):
				case !alone(short(p.path), pass) || archOf(kernel) == "arm64":
					shared.parts = append(shared.parts, part{kernelTests: p})
				case kernel != one || pass != plain:
					all = append(all, boot{kernel, pass, []part{{kernelTests: p}}})
				default:
					for i := range cliGuests {
						all = append(all, boot{kernel, pass, []part{{p, i, cliGuests}}})
					}
				}
			}
			if pass == exact {
				// The tracer's tests come first: memory is allocated faster where nothing ran before.
				slices.Reverse(shared.parts)
			}
			if len(shared.parts) > 0 {
				all = append(all, shared)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b boot) int { return b.weight(one) - a.weight(one) })
	return all
}

// between reports whether amd64 kernels are tested before and behind this one, and it is not the kernel for what does
// not depend on the kernel. There the tests of the commands would see nothing that they do not see on one of the
// others; those of all packages below them run on every kernel.
func between(kernel string, kernels []string) bool {
	amd64 := slices.DeleteFunc(slices.Clone(kernels), func(k string) bool { return archOf(k) == "arm64" })
	i := slices.Index(amd64, kernel)
	return i > 0 && i < len(amd64)-1 && kernel != oneKernel(kernels)
}

// weight orders the boots by how long they take, roughly.
func (b boot) weight(one string) int {
	commands := b.parts[0].path == module+"internal/cli"
	switch {
	case b.pass == exact && b.kernel == one && commands:
		return 5
	case b.pass == pods, b.pass == plain && commands && archOf(b.kernel) != "arm64":
		return 4
	case b.pass == selinux, b.pass == podsV1:
		return 1
	case b.pass == plain && b.kernel == one, b.pass.counts():
		return 3
	case b.pass == plain && beforeLSM[b.kernel] == nil:
		return 2
	}
	return 0
}

// paths are the packages that the host must have run before the boot's tests are known.
func (b boot) paths() (paths []string) {
	for _, p := range b.parts {
		paths = append(paths, p.path)
	}
	return paths
}

// unsettled returns the boot with those tests that need it.
func (b boot) unsettled(h *host) boot {
	var parts []part
	for _, p := range b.parts {
		var tests []string
		for _, name := range p.tests {
			if !h.has(p.path, name) {
				tests = append(tests, name)
			}
		}
		p.tests = nil
		for i, name := range tests {
			if p.every == 0 || i%p.every == p.first {
				p.tests = append(p.tests, name)
			}
		}
		if len(p.tests) > 0 {
			parts = append(parts, p)
		}
	}
	b.parts = parts
	return b
}
