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
	"sync"
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
	slow := f.Int("slow", 10, "how many of the slowest tests to print")
	if f.Parse(args) != nil {
		return 2
	}
	if *fast {
		*skip += " lint check-generate e2e"
	}
	began := time.Now()
	rs := &results{out: out}
	all, err := packages(ctx)
	if err != nil {
		fmt.Fprintln(out, "list the packages:", err)
		return 1
	}
	var kernelTests, racing, others []string
	for _, p := range all {
		concurrent, err := p.concurrent()
		if err != nil {
			fmt.Fprintln(out, "read the packages:", err)
			return 1
		}
		if p.inGuests() {
			kernelTests = append(kernelTests, p.ImportPath)
			continue
		}
		if concurrent {
			racing = append(racing, p.ImportPath)
		}
		if !concurrent || slices.Contains(simulating, short(p.ImportPath)) {
			others = append(others, p.ImportPath)
		}
	}
	step := func(name string, do func(context.Context, string) result) {
		what, _, _ := strings.Cut(name, ",")
		switch {
		case ctx.Err() != nil:
		case !slices.Contains(strings.Fields(*skip), what):
			rs.add(do(ctx, name))
		case !strings.Contains(name, ","):
			rs.add(result{name: name, skipped: "-skip names it"})
		}
	}
	// What a package's tests leave to guests is known once they have run on the host. The guests then share this
	// machine with what is left of the host's work.
	h := newHost()
	if slices.Contains(strings.Fields(*skip), "host") {
		h.finish()
	}
	var running sync.WaitGroup
	running.Go(func() {
		step("host", h.tests(".", *fast, "-race", kernelTests...))
		h.finish()
		step("host, packages without kernel tests", h.tests(".", *fast, "-race -short", racing...))
		step("host, without the race detector", h.tests(".", *fast, "", others...))
		step("e2e", h.tests("internal/e2e", *fast, ""))
	})
	if *kernels != "" {
		running.Go(func() { rs.guests(ctx, all, strings.Fields(*kernels), strings.Fields(*icount), h) })
	}
	step("lint", makeTarget)
	step("check-generate", makeTarget)
	running.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(out, "interrupted")
		return 1
	}
	rs.slowest(*slow)
	return rs.summary(time.Since(began))
}
