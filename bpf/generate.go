// Package bpf holds the BPF programs of lsmprof, their compiled objects, and the Go mirror of the structs they share.
// README.md describes the life of a call through the probes.
//
// `make generate` rebuilds the generated files with the compiler that compile.sh names. They are committed, so that
// building lsmprof needs no compiler but Go's.
package bpf

//go:generate ./compile.sh v4 Probe probe.bpf.c counter slot special_counter patched_immediate syscall_kind no_syscall mode
//go:generate ./compile.sh v4 Trace trace.bpf.c slot event tally subject
//go:generate ./compile.sh v3 Lines lines.bpf.c line_sample line_tally line_buffer
//go:generate ./compile.sh v3 Programs programs.bpf.c lsm_program program_link
//go:generate ./compile.sh v3 Empty empty.bpf.c
//go:generate ./compile.sh v3 Syscalls syscalls.bpf.c syscall_key syscall_time call
//go:generate ./compile.sh v3 Command command.bpf.c
//go:generate ./compile.sh v3 EachRule eachrule.bpf.c rule_key rule_cost rule_lost walk_kind
