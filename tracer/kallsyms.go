package tracer

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// kernelModule is the module of functions that are in no module.
const kernelModule = "[kernel]"

// kallsyms is the kernel's symbol table: functions sorted by address, each once.
type kallsyms struct{ functions []symbol }

// symbol is a function of the kernel.
type symbol struct {
	address      uint64 // 0: hidden
	name, module string
}

func loadKallsyms() (*kallsyms, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	k, err := readKallsyms(f)
	if err == nil && len(k.functions) == 0 {
		err = errors.New("/proc/kallsyms hides its addresses: set kernel.kptr_restrict to 0 or 1")
	}
	return k, err
}

// readKallsyms reads lines like `ffffffff81000000 T _stext` and `ffffffffc0000000 t nft_do_chain	[nf_tables]`.
func readKallsyms(r io.Reader) (*kallsyms, error) {
	k := &kallsyms{}
	err := eachSymbol(r, func(s symbol) {
		if s.address != 0 {
			k.functions = append(k.functions, s)
		}
	})
	slices.SortStableFunc(k.functions, func(a, b symbol) int { return cmp.Compare(a.address, b.address) })
	// Further names of an address are aliases.
	k.functions = slices.CompactFunc(k.functions, func(a, b symbol) bool { return a.address == b.address })
	return k, err
}

// eachSymbol reads a symbol table of the kernel, with more than 100,000 lines, and calls do for each function. All
// names are parts of one string.
func eachSymbol(r io.Reader, do func(symbol)) error {
	var text strings.Builder
	_, err := io.Copy(&text, r)
	for line := range strings.Lines(text.String()) {
		address, rest, _ := strings.Cut(line, " ")
		kind, rest, ok := strings.Cut(rest, " ")
		if !ok || !strings.ContainsAny(kind, "tTwW") {
			continue
		}
		n, err := strconv.ParseUint(address, 16, 64)
		if err != nil {
			continue
		}
		name, module, _ := strings.Cut(strings.TrimRight(rest, "\n"), "\t")
		do(symbol{n, name, cmp.Or(module, kernelModule)})
	}
	return err
}

// frame returns the function that a return address is in. The address is that of the instruction after a call.
func (k *kallsyms) frame(address uint64) profile.Frame {
	i, found := slices.BinarySearchFunc(k.functions, address-1,
		func(s symbol, a uint64) int { return cmp.Compare(s.address, a) })
	if !found {
		i--
	}
	if i < 0 {
		return profile.Frame{Module: kernelModule, Address: address, Offset: address}
	}
	f := k.functions[i]
	return profile.Frame{Function: f.name, Module: f.module, Address: address, Offset: address - f.address}
}

// named returns the first instruction of a function as a frame.
func (k *kallsyms) named(function string) profile.Frame {
	if i := slices.IndexFunc(k.functions, func(s symbol) bool { return s.name == function }); i >= 0 {
		return profile.Frame{Function: function, Module: k.functions[i].module, Address: k.functions[i].address}
	}
	return profile.Frame{Function: function, Module: kernelModule}
}

// kernelFrames names a kernel stack from the hook of a target outwards. The frames inside the hook are its programs and
// the probes.
func (s *probeSet) kernelFrames(t *probedTarget, stack []uint64) []profile.Frame {
	if len(stack) == 0 {
		return nil
	}
	frames := make([]profile.Frame, len(stack))
	for i, address := range stack {
		frames[i] = s.kernelSymbols().frame(address)
	}
	return fromHook(frames, s.hookFrame(t.target.hookFunction()))
}

// hookFrame returns the frame of a hook's function, which it looks up once.
func (s *probeSet) hookFrame(function string) profile.Frame {
	f, ok := s.hookFrames[function]
	if !ok {
		f = s.kernelSymbols().named(function)
		if s.hookFrames == nil {
			s.hookFrames = map[string]profile.Frame{}
		}
		s.hookFrames[function] = f
	}
	return f
}

// kernelSymbols returns the kernel's symbol table, which it reads once; an empty one if it cannot be read.
func (s *probeSet) kernelSymbols() *kallsyms {
	if s.kernel == nil {
		k, err := loadKallsyms()
		if err != nil {
			s.warnf("functions of the kernel are shown as numbers: %v", err)
			k = &kallsyms{}
		}
		s.kernel = k
	}
	return s.kernel
}

// fromHook drops the frames inside the hook's function. That function itself is missing where the kernel jumps to
// trampolines instead of calling them (since Linux 6.19): fromHook adds it, so that a stack looks the same on all
// kernels.
func fromHook(frames []profile.Frame, hook profile.Frame) []profile.Frame {
	i := slices.IndexFunc(frames, func(f profile.Frame) bool {
		return f.Function == hook.Function || isHook(f.Function) && !strings.HasPrefix(hook.Function,
			securityPrefix)
	})
	if i < 0 {
		i = slices.IndexFunc(frames, func(f profile.Frame) bool { return !isBPF(f.Function) })
	}
	switch {
	case i < 0 && !isHook(hook.Function):
		return frames
	case i < 0:
		i = len(frames)
	}
	frames = frames[i:]
	if isHook(hook.Function) && (len(frames) == 0 || frames[0].Function != hook.Function) {
		frames = slices.Insert(frames, 0, hook)
	}
	return frames
}

// securityPrefix begins the names of the functions that call all security modules of a hook.
const securityPrefix = "security_"

// isHook reports whether a function is where the kernel calls a hook: of BPF alone, or of all security modules.
func isHook(function string) bool {
	return strings.HasPrefix(function, lsm.HookPrefix) || strings.HasPrefix(function, securityPrefix)
}

// isBPF reports whether a function is a BPF program, a trampoline or a helper that takes stacks.
func isBPF(function string) bool {
	return function == "" || strings.HasPrefix(function, "bpf_")
}
