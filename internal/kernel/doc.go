// Package kernel knows facts about the running kernel that do not need BPF to find out: its release, its LSMs, the
// names of its syscalls.
//
// A fact that cannot be read is a zero value or an error that says why; nothing here is guessed.
package kernel

//go:generate sh -c "go run ./gensyscalls >zsyscalls.tmp && mv zsyscalls.tmp zsyscalls.go"
