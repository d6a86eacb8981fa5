package tracer

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// noReturn is NO_RETURN of bpf/exit.h.
const noReturn = 255

// hookPrototype returns the prototype of a hook's kernel function.
func hookPrototype(hook string) (*btf.FuncProto, error) { return prototypeOf(lsm.HookPrefix + hook) }

// prototypeOf returns the prototype of a function of the kernel.
func prototypeOf(name string) (*btf.FuncProto, error) {
	types, err := kernelTypes.Kernel()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	var fn *btf.Func
	if err := types.TypeByName(name, &fn); err != nil {
		return nil, fmt.Errorf("find %s in the kernel's BTF: %w", name, err)
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok {
		return nil, fmt.Errorf("%s has no prototype in the kernel's BTF", name)
	}
	return proto, nil
}

// arguments returns the number of arguments of the function that a target's probes sit on, or noReturn if it returns
// nothing. A tracing program finds the return value behind the arguments.
func (t target) arguments() (uint8, error) {
	proto, err := t.prototype()
	if err != nil {
		return 0, err
	}
	if _, void := proto.Return.(*btf.Void); void {
		return noReturn, nil
	}
	return uint8(len(proto.Params)), nil
}
