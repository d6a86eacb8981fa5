package accuracy

import (
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf/rlimit"
)

// Scale is what many programs and many workloads take.
type Scale struct {
	Attaching []Attachment    `json:"attaching"`
	Workloads []ManyWorkloads `json:"workloads"`
}

// MeasureScale measures 14 and 200 programs, and 500 workloads with 40 syscalls each, with the default memory and
// with more.
func MeasureScale() (s Scale, err error) {
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 maps count against it
		return s, err
	}
	for _, programs := range []int{14, 200} {
		a, err := measureAttaching(programs)
		if err != nil {
			return s, fmt.Errorf("attach %d programs: %w", programs, err)
		}
		s.Attaching = append(s.Attaching, a)
	}
	for _, memory := range []int{64, 512} {
		c, err := measureManyWorkloads(500, 14, 40, memory)
		if err != nil {
			return s, fmt.Errorf("record with %d MiB: %w", memory, err)
		}
		s.Workloads = append(s.Workloads, c)
	}
	return s, nil
}

// WriteScale prints what was measured as text or JSON.
func WriteScale(w io.Writer, format string, o Origin, s Scale) error {
	switch format {
	case "json":
		return writeJSON(w, struct {
			Schema string `json:"schema"`
			Origin
			Scale
		}{"lsmprof/scale/v2", o, s})
	case "bench":
		return fmt.Errorf("format %s: want text or json; for benchstat, run go test -bench Scale ./tracer",
			format)
	}
	fmt.Fprintf(w, "scale on %s (%s); the times are those of an emulated CPU\n", o.Kernel, o.Release)
	t := newTable(w)
	fmt.Fprintln(t, "programs\ttargets\tattach\tdetach\tlsmprof's CPU\t\t")
	for _, a := range s.Attaching {
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t\t\n", a.Programs, a.Targets, short(a.Attach), short(a.Detach),
			short(a.CPU))
	}
	fmt.Fprintln(t, "workloads x targets x syscalls\t--memory\tkernel MiB\theap MiB\trows\tin [other]\t"+
		"first poll\tidle poll\tsnapshot\tcalls meanwhile\t\t")
	for _, c := range s.Workloads {
		fmt.Fprintf(t, "%d x %d x %d\t%d\t%d\t%d\t%d\t%.1f %%\t%s\t%s\t%s\t%d\t\t\n", c.Workloads, c.Programs,
			c.Syscalls, c.MemoryMiB,
			c.Kernel>>20, c.Heap>>20, c.Rows, c.Other, short(c.First.CPU), short(c.Idle.CPU),
			short(c.Snapshot.CPU), c.During)
	}
	return t.Flush()
}

// WriteNodes prints what was measured as text or JSON.
func WriteNodes(w io.Writer, format string, o Origin, nodes []Node) error {
	if format == "json" {
		return writeJSON(w, nodesDocument{"lsmprof/nodes/v1", o, nodes})
	}
	fmt.Fprintf(w, "large nodes on %s (%s), default --memory\n", o.Kernel, o.Release)
	t := newTable(w)
	fmt.Fprintln(t, "possible CPUs\tonline\tworkloads\tcalls\trows\tin [other]\tshared\tkernel MiB\theap MiB\t"+
		"RSS MiB\tidle poll\tidle\t\t")
	for _, n := range nodes {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%.3f %%\t%.0f %%\t%d\t%d\t%d\t%.2f ms\t%.2f %% of a CPU\t\t\n",
			n.Possible, n.Online, n.Workloads, n.Calls, n.Rows, n.Other, n.Shared, n.Kernel>>20, n.Heap>>20,
			n.RSS>>20, n.Polling/1e6, n.Idle)
	}
	return t.Flush()
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
