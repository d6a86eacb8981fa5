package lsm

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// KernelTypes caches the decoded BTF of the running kernel: decoding takes longer than loading the programs that need
// it. The cache is safe for concurrent use, and the BTF of a kernel never changes.
var KernelTypes = btf.NewCache()

// Load is ebpf.NewProgram with KernelTypes: that function decodes the kernel's BTF for each program.
func Load(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	const name = "program"
	one := ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{name: spec}}
	coll, err := ebpf.NewCollectionWithOptions(&one, ebpf.CollectionOptions{Cache: KernelTypes})
	if err != nil {
		return nil, err
	}
	return coll.Programs[name], nil
}
