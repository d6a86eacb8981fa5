// vm runs a shell line, or a test binary for go test -exec, in a QEMU guest. See internal/vmtest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Exit codes when the command has none of its own; env(1) and timeout(1) use the same.
const (
	exitUsage       = 2
	exitUnreachable = 77 // the kernel is neither cached nor on the mirrors: callers skip
	exitDeadline    = 124
	exitFailed      = 125
)

func main() {
	if vmtest.InGuest() {
		vmtest.GuestInit()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, errHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "vm:", err)
		return exitUsage
	}
	c.Stdout, c.Stderr, c.Log = stdout, stderr, stderr
	if c.fetch {
		return fetch(ctx, c, stdout)
	}
	status, err := vmtest.Run(ctx, c.Config)
	if err != nil {
		fmt.Fprintln(stderr, "vm:", err)
	}
	switch {
	case err == nil:
		return status
	case errors.Is(err, vmtest.ErrHung):
		return vmtest.ExitHung
	case errors.Is(err, vmtest.ErrDeadline):
		return exitDeadline
	case errors.Is(err, vmtest.ErrUnreachable):
		return exitUnreachable
	}
	return exitFailed
}

// fetch only puts the kernel into the cache and prints its path and version.
func fetch(ctx context.Context, c options, stdout io.Writer) int {
	vmlinuz, err := vmtest.Kernel(ctx, c.Kernel, c.Log)
	if err != nil {
		fmt.Fprintln(c.Log, "vm:", err)
		if errors.Is(err, vmtest.ErrUnreachable) {
			return exitUnreachable
		}
		return exitFailed
	}
	fmt.Fprintln(stdout, vmlinuz, vmtest.KernelVersion(vmlinuz))
	return 0
}
