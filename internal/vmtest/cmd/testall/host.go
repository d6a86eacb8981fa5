package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// host is what is known about the tests that run on this machine. Tests that ran there from end to end need no guest.
type host struct {
	mu       sync.Mutex
	changed  *sync.Cond
	settled  map[string]bool // tests that passed or failed without a part of them being skipped
	finished map[string]bool // packages
	over     bool            // nothing more becomes known
}

func newHost() *host {
	h := &host{settled: map[string]bool{}, finished: map[string]bool{}}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// tests runs packages of a module, or all of it. Tests that need a guest's kernel skip; those that boot guests
// themselves do so unless it must be fast.
func (h *host) tests(module string, fast bool, flags string, packages ...string) func(context.Context, string) result {
	return func(ctx context.Context, name string) result {
		began := time.Now()
		if len(packages) == 0 {
			packages = []string{"./..."}
		}
		// Lint has vetted all packages. Go would not notice that what a test builds or boots has changed: no
		// result is taken from its cache.
		args := append([]string{"-C", module, "test", "-vet=off", "-count=1", "-json", "-timeout", "60m"},
			strings.Fields(flags)...)
		cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
		cmd.Env = os.Environ()
		if !strings.Contains(flags, "-race") {
			// Reuses what was compiled for guests, and by tests that build lsmprof.
			cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
		}
		if !fast {
			cmd.Env = append(cmd.Env, "LSMPROF_VM=1")
		}
		r := runTests(cmd, h.settle)
		r.name, r.took = name, time.Since(began)
		return r
	}
}

// settle takes note of a package's tests. It is called once for each package, as it ends.
func (h *host) settle(pkg string, tests []test) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range tests {
		if t.pkg == pkg && t.action != "skip" && !t.partly {
			h.settled[t.key()] = true
		}
	}
	h.finished[pkg] = true
	h.changed.Broadcast()
}

// finish says that no further package with kernel tests runs: guests run all tests that are not settled.
func (h *host) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.changed.Broadcast()
}

// ready reports whether the host has run all these packages. The caller holds the lock.
func (h *host) ready(pkgs []string) bool {
	for _, p := range pkgs {
		if !h.finished[p] && !h.over {
			return false
		}
	}
	return true
}

// next waits until the host has run all packages of one of the lists, and returns the index of that list.
func (h *host) next(lists [][]string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		for i, pkgs := range lists {
			if h.ready(pkgs) {
				return i
			}
		}
		h.changed.Wait()
	}
}

// has reports whether a test needs no guest.
func (h *host) has(pkg, name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settled[test{pkg: pkg, name: name}.key()]
}
