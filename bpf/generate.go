// Package bpf holds the BPF programs, their objects and the Go mirror of the structs they share. `make generate` rebuilds the
// generated files with the pinned compiler; they are committed, so that building lsmprof needs none.
//
// The probes are compiled for v4 without what old kernels do not know of it: what remains are stores of constants, which are as
// old as BPF and save the probes an instruction each. Those of single invocations likewise, so that both have the same bias.
package bpf

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type cell -type slot -type syscall_kind -type no_syscall -type mode Probe probe.bpf.c -- -O2 -g -Wall -Werror -mcpu=v4 -mllvm -disable-ldsx -mllvm -disable-movsx -mllvm -disable-bswap -mllvm -disable-sdiv-smod -mllvm -disable-gotol
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type slot -type event -type tally -type subject Trace trace.bpf.c -- -O2 -g -Wall -Werror -mcpu=v4 -mllvm -disable-ldsx -mllvm -disable-movsx -mllvm -disable-bswap -mllvm -disable-sdiv-smod -mllvm -disable-gotol
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type program_facts Facts facts.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel Empty empty.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type syscall_key -type syscall_time -type call Syscalls syscalls.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type ref_action -type ref_pattern_flags -type ref_pattern -type ref_path_rule -type ref_net_hook -type ref_net_rule -type ref_mount_op -type ref_mount_rule -type ref_cap_rules -type ref_ptrace_access -type ref_ptrace_rule Enforcer enforcer.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3
