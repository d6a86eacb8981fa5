package accuracy

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Origin is the kernel that a table is of.
type Origin struct {
	Kernel  string `json:"kernel"`  // 6.1, 6.12, newest
	Release string `json:"release"` // uname -r
	Unit    string `json:"unit"`    // instructions, or ns outside a guest that counts them
}

// Formats of the tables.
var Formats = []string{"text", "json", "bench"}

// What the tables are in JSON. `make measuring` keeps it in testdata/measured, where the tests and docs/measuring.md
// have their figures from.
type (
	accuracyDocument struct {
		Schema string `json:"schema"`
		Origin
		Results []Result `json:"results"`
	}
	overheadDocument struct {
		Schema string `json:"schema"`
		Origin
		Figures []Figure `json:"figures"`
	}
	nodesDocument struct {
		Schema string `json:"schema"`
		Origin
		Nodes []Node `json:"nodes"`
	}
)

// WriteAccuracy prints results as text or JSON.
func WriteAccuracy(w io.Writer, format string, o Origin, results []Result) error {
	switch format {
	case "json":
		return writeJSON(w, accuracyDocument{"lsmprof/accuracy/v1", o, results})
	case "bench":
		return fmt.Errorf("format %s: accuracy is no benchmark; want text or json", format)
	}
	fmt.Fprintf(w, "accuracy on %s (%s), %s per operation\n", o.Kernel, o.Release, o.Unit)
	t := newTable(w)
	fmt.Fprintln(t, "case\tenforcer\tcalls\ttruth\treported\terror %\twithin %\t\t")
	for _, r := range results {
		verdict := ""
		if !r.Holds() {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.1f\t%.1f\t%+.2f\t%.1f\t%s\t\n", r.Case, r.Enforcer, r.Calls, r.Truth,
			r.Reported, 100*r.Error(), 100*r.Target/r.Truth, verdict)
	}
	return t.Flush()
}

// WriteOverhead prints figures as text, as JSON, or in the format that benchstat reads.
func WriteOverhead(w io.Writer, format string, o Origin, figures []Figure) error {
	switch format {
	case "json":
		return writeJSON(w, overheadDocument{"lsmprof/overhead/v1", o, figures})
	case "bench":
		unit := strings.TrimSuffix(o.Unit, "s") + "/op"
		if o.Unit == "ns" {
			unit = "ns/op"
		}
		for _, f := range figures {
			if _, err := fmt.Fprintf(w,
				"BenchmarkOverhead/kernel=%s/op=%s/method=%s 1 %.1f %s %.1f added-%s\n",
				o.Kernel, f.Operation, f.Method, f.Latency, unit, f.Added, unit); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(w, "overhead on %s (%s), %s per operation\n", o.Kernel, o.Release, o.Unit)
	t := newTable(w)
	fmt.Fprintln(t, "operation\tmethod\tlatency\tadded\ttarget\t\t")
	for _, f := range figures {
		target, verdict := "", ""
		if f.Target > 0 {
			target = fmt.Sprintf("%.0f", f.Target)
			if f.Added > f.Target {
				verdict = "MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%.1f\t%s\t%s\t\n", f.Operation, f.Method, f.Latency, f.Added, target,
			verdict)
	}
	return t.Flush()
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func writeJSON(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}
