// testall is `make test`: every check of the repository, the kernel tests in guests of every kernel, and one table at
// the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out io.Writer) int {
	f := flag.NewFlagSet("testall", flag.ContinueOnError)
	kernels := f.String("kernels", "5.10 6.1 6.12 newest", "kernels of the guests")
	icount := f.String("icount", "6.1 6.12 newest", "those of them that also run the instruction-exact tests")
	fast := f.Bool("fast", false, "skip the checks and the host tests that boot guests")
	skip := f.String("skip", "", "checks to skip, separated by spaces: lint check-generate host e2e")
	if f.Parse(args) != nil {
		return 2
	}
	began := time.Now()
	var all results
	if *fast {
		*skip += " lint check-generate e2e"
	}
	for _, s := range []struct {
		name string
		run  func(context.Context, io.Writer) result
	}{
		{"lint", makeTarget("lint")},
		{"check-generate", makeTarget("check-generate")},
		{"host", hostTests("host", ".", *fast)},
		{"e2e", hostTests("e2e", "internal/e2e", *fast)},
	} {
		switch {
		case ctx.Err() != nil:
		case slices.Contains(strings.Fields(*skip), s.name):
			all.add(out, result{name: s.name, skipped: "-skip names it"})
		default:
			fmt.Fprintf(out, "=== %s\n", s.name)
			all.add(out, s.run(ctx, out))
		}
	}
	if ctx.Err() == nil && *kernels != "" {
		fmt.Fprintln(out, "=== guests")
		all.guests(ctx, out, strings.Fields(*kernels), strings.Fields(*icount), all.settledOnHost())
	}
	if ctx.Err() != nil {
		fmt.Fprintln(out, "interrupted")
		return 1
	}
	return all.summary(out, time.Since(began))
}
