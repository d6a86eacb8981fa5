package tracer

import "github.com/cilium/ebpf/btf"

// kernelTypes caches the decoded BTF of the running kernel: decoding takes longer than loading the programs that need
// it. The cache is safe for concurrent use, and the BTF of a kernel never changes.
var kernelTypes = btf.NewCache()
