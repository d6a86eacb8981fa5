// Package lsm looks at the BPF LSM of the running kernel from outside: which links exist, which processes hold
// programs, and whether the kernel accepts programs of the kinds that lsmprof needs. It measures nothing; package
// tracer does.
//
// All functions need root, or CAP_SYS_ADMIN. None keeps state, so all are safe for concurrent use.
package lsm

// HookPrefix precedes the name of a hook in the name of its kernel function: `bpf_lsm_file_open`.
const HookPrefix = "bpf_lsm_"

// TrampolineLimit is about how many trampoline programs of all kinds a kernel function takes: 40 on Linux 5.10, 38
// from 5.12 on (ca06f55b9002), and fewer where the trampoline's code no longer fits into a page, such as 36 empty
// programs on 7.2.
const TrampolineLimit = 38

// TrialHook is the hook on which lsmprof tries and calibrates: few tasks call it, and the programs there only return 0.
const TrialHook = "task_getpgid"
