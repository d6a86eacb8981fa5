// Command measure prints how accurate lsmprof is, what it adds to a call, or what many programs and workloads take,
// on the running kernel. `make accuracy` and `make overhead` run it in guests that count instructions, `make scale`
// in others.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/accuracy"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string) error {
	f := flag.NewFlagSet("measure", flag.ContinueOnError)
	format := f.String("o", "text", strings.Join(accuracy.Formats, ", "))
	online := f.Int("online", 0, "measure a node as if `N` CPUs were online; 0: as many as are")
	if err := f.Parse(args); err != nil {
		return err
	}
	if !slices.Contains(accuracy.Formats, *format) {
		return fmt.Errorf("-o %s: want one of %s", *format, strings.Join(accuracy.Formats, ", "))
	}
	release, _, err := kernel.Uname()
	if err != nil {
		return err
	}
	origin := accuracy.Origin{Kernel: cmp.Or(os.Getenv("LSMPROF_GUEST"), release), Release: release, Unit: "ns"}
	if os.Getenv("LSMPROF_ICOUNT") != "" {
		origin.Unit = "instructions"
	}
	if f.Arg(0) == "scale" {
		scale, err := accuracy.MeasureScale()
		return errors.Join(err, accuracy.WriteScale(w, *format, origin, scale))
	}
	if f.Arg(0) == "node" {
		var nodes []accuracy.Node
		for _, workloads := range []int{110, 250} {
			n, err := accuracy.MeasureNode(*online, workloads)
			if err != nil {
				return err
			}
			nodes = append(nodes, n)
		}
		return accuracy.WriteNodes(w, *format, origin, nodes)
	}
	rig, err := accuracy.NewRig()
	if err != nil {
		return err
	}
	defer rig.Close()
	switch f.Arg(0) {
	case "accuracy":
		results, err := rig.Accuracy()
		return errors.Join(err, accuracy.WriteAccuracy(w, *format, origin, results))
	case "overhead":
		figures, err := rig.Overhead(origin.Kernel)
		if err != nil {
			return err
		}
		return accuracy.WriteOverhead(w, *format, origin, figures)
	}
	return fmt.Errorf("measure %q: want accuracy, overhead, scale or node, after the flags", f.Arg(0))
}
