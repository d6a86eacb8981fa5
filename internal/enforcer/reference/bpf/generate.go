// Package bpf holds the BPF programs of the reference enforcer and the Go mirror of the rules in its maps.
//
// They share no code with the probes that measure them, except the declarations of bpf/kernel.h.
package bpf

//go:generate ../../../../bpf/compile.sh v3 Enforcer enforcer.bpf.c rules.h -- -I../../../../bpf
//go:generate ../../../../bpf/compile.sh v3 Bounded enforcer.bpf.c -- -I../../../../bpf -DBOUNDED_LOOP
