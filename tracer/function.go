package tracer

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// Total is the LSM of functions that call all security modules of a hook: security_file_open. Its row holds what no
// other row of the hook holds: alone the cost of all modules, beside theirs what the framework takes.
const Total = lsm.Total

// Function is the function that a security module has on a hook.
type Function struct {
	LSM  string // as in /sys/kernel/security/lsm, or Total
	Name string // apparmor_file_open
	Hook string // file_open
	// Frequent is set if the hook is called so often that measuring it costs much: on every read, or for every
	// component of a path.
	Frequent bool
	// Unavailable says why the function cannot be measured; "" if it can.
	Unavailable string
	// Enforcer is the name under which the costs go; "": the LSM.
	Enforcer string
}

// Functions finds the functions of security modules in the kernel's BTF and symbols, by module in the order of lsms and
// then by hook. A module without functions that lsmprof knows has none. Functions needs no privileges.
func Functions(lsms []string) ([]Function, error) {
	described, err := describedFunctions()
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, fmt.Errorf("list the kernel's functions: %w", err)
	}
	defer f.Close()
	symbols, err := symbolNames(f)
	if err != nil {
		return nil, fmt.Errorf("list the kernel's functions: %w", err)
	}
	return findFunctions(lsms, described, symbols), nil
}

// findFunctions matches the names of modules and hooks with the functions that BTF describes, and with the kernel's
// symbols.
func findFunctions(lsms []string, described, symbols map[string]bool) (all []Function) {
	for _, name := range lsms {
		m, ok := lsm.FindModule(name)
		if !ok {
			continue
		}
		for _, hook := range lsm.Hooks(described) {
			f := Function{LSM: name, Name: m.Function(hook), Hook: hook, Frequent: lsm.Frequent(hook)}
			changed := slices.ContainsFunc([]string{".isra.0", ".constprop.0", ".part.0"},
				func(suffix string) bool { return symbols[f.Name+suffix] })
			switch {
			case described[f.Name] && symbols[f.Name]:
			case described[f.Name] && !changed:
				f.Unavailable = "the compiler inlined it"
			case changed:
				f.Unavailable = "the compiler changed its arguments"
			case symbols[f.Name]:
				f.Unavailable = "the kernel's BTF does not describe it"
			default:
				continue
			}
			all = append(all, f)
		}
	}
	return all
}

// describedFunctions returns the functions that the kernel's BTF describes.
func describedFunctions() (map[string]bool, error) {
	types, err := kernelTypes.Kernel()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	all := map[string]bool{}
	for t, err := range types.All() {
		if err != nil {
			return nil, fmt.Errorf("read the kernel's BTF: %w", err)
		}
		if f, ok := t.(*btf.Func); ok {
			all[f.Name] = true
		}
	}
	return all, nil
}

// symbolNames returns the names of the functions in a symbol table, also of one that hides their addresses.
func symbolNames(r io.Reader) (map[string]bool, error) {
	all := map[string]bool{}
	err := eachSymbol(r, func(s symbol) { all[s.name] = true })
	return all, err
}

// Owner returns the name under which the costs of the function go.
func (f Function) Owner() string { return cmp.Or(f.Enforcer, f.LSM) }

// target returns what the probes of a function sit on.
func (f Function) target(legacy bool) target {
	return target{
		program: Program{Name: f.Name, Hook: f.Hook}, scope: profile.ScopeFunction, legacy: legacy,
		function: f,
	}
}

// functionKind returns the kind of the probes on a function.
func (t target) functionKind() profile.ProbeKind {
	if t.function.LSM == Total {
		return profile.ProbeTotal
	}
	return profile.ProbeFunction
}
