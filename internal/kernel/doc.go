// Package kernel reads facts about the running kernel and its processes without BPF: its release, its LSMs, the names
// of its syscalls, the namespaces and control groups of a process.
//
// A fact that cannot be read is a zero value, or an error that says why. This package guesses nothing. All functions
// are safe for concurrent use.
package kernel

//go:generate sh -c "go run ./gensyscalls >zsyscalls.tmp && mv zsyscalls.tmp zsyscalls.go"
