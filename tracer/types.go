package tracer

import "github.com/cilium/ebpf/btf"

// kernelTypes is the BTF of the running kernel, decoded once: that takes longer than to load the programs that need it. It is
// safe for concurrent use and never changes.
var kernelTypes = btf.NewCache()
