package tracer

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// noReturn is NO_RETURN of bpf/exit.h.
const noReturn = 255

// hookPrototype returns the prototype of a hook's kernel function.
func hookPrototype(hook string) (*btf.FuncProto, error) {
	types, err := kernelTypes.Kernel()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	var fn *btf.Func
	if err := types.TypeByName(lsm.HookPrefix+hook, &fn); err != nil {
		return nil, fmt.Errorf("find %s in the kernel's BTF: %w", lsm.HookPrefix+hook, err)
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok {
		return nil, fmt.Errorf("%s has no prototype in the kernel's BTF", lsm.HookPrefix+hook)
	}
	return proto, nil
}

// hookArguments returns the number of arguments of a hook, or noReturn if it returns nothing. A tracing program finds
// the return value behind the arguments.
func hookArguments(hook string) (uint8, error) {
	proto, err := hookPrototype(hook)
	if err != nil {
		return 0, err
	}
	if _, void := proto.Return.(*btf.Void); void {
		return noReturn, nil
	}
	return uint8(len(proto.Params)), nil
}
