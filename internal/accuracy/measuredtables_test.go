package accuracy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/text"
)

// measuredKernels are the columns of the tables.
var measuredKernels = []string{"6.1", "6.12", "newest", "5.10", "newest-arm64", "6.12-arm64"}

func columns(kernels []string) string {
	return strings.ReplaceAll(strings.Join(kernels, " | "), "-arm64", ", arm64")
}

// meanings says what the methods of the table measure.
var meanings = map[string]string{
	EnforcerOnly:   "no measuring: what the enforcer's empty program costs",
	BPFStats:       "the kernel's own statistics: a count and a mean per program, nothing else",
	EmptyPair:      "an fentry and an fexit program that do nothing: the least that any pair of probes costs",
	Lsmprof:        "everything: program, syscall, workload, rules, denials, histogram, lost and preempted calls",
	LsmprofPreempt: "the same with a check for preempted calls, on kernels that preempt their own code",
	LsmprofLarge:   "the same with 16 MiB of counters for a program, which `--memory 256` gives",
	LsmprofShared: "a call that finds no counter in the front of its CPU, and uses one that all CPUs share; " +
		"in its first place, others take 14 instructions more each",
	LsmprofOther:   "a call that finds no counter at all",
	LsmprofSample:  "`--sample 64`: one call in 64; the mean of measured and skipped calls",
	LsmprofSkipped: "a call that `--mntns`, `--pid` or `--comm` filters out",
	LsmprofStacks:  "`record --stacks=kernel`: every call counted, the stack of one call in 64 taken",
	Trace:          "a call that `lsmprof trace` emits: 64 bytes into its CPU's ring",
	TraceArgs:      "a call with its path (for getpgid: its process), two names deep",
	TraceStack:     "a call with its kernel stack; most of the cost is the kernel's own unwinder",
	TraceFiltered:  "a call that `--slower-than` drops; less than counting it",
}

// notBefore518 are methods that say nothing there: all counters are in fronts, and looked up.
var notBefore518 = []string{LsmprofLarge, LsmprofShared, LsmprofOther}

// overheadTable returns the lines for an operation, with or without what the methods mean. Targets hold on the first
// three kernels.
func overheadTable(t *testing.T, operation string, explained bool) []string {
	first := "method"
	if explained {
		first += " | what it measures"
	}
	lines := []string{
		"| " + first + " | " + columns(measuredKernels) + " | target |",
		strings.Repeat("|---", strings.Count(first, "|")+2+len(measuredKernels)) + "|",
	}
	documents := map[string]overheadDocument{}
	for _, k := range measuredKernels {
		documents[k] = measured[overheadDocument](t, "overhead."+k)
	}
	for _, method := range []string{
		None, EnforcerOnly, BPFStats, EmptyPair, Lsmprof, LsmprofPreempt, LsmprofLarge, LsmprofShared,
		LsmprofOther, LsmprofSample, LsmprofSkipped, LsmprofStacks, Trace, TraceArgs, TraceStack, TraceFiltered,
	} {
		var cells, targets []string
		for _, k := range measuredKernels {
			i := slices.IndexFunc(documents[k].Figures, func(f Figure) bool {
				return f.Operation == operation && f.Method == method
			})
			cell := ""
			switch {
			case i < 0, k == "5.10" && slices.Contains(notBefore518, method):
			case method == None:
				cell = fmt.Sprintf("%.0f in all", documents[k].Figures[i].Latency)
			default:
				cell = fmt.Sprintf("%+.0f", documents[k].Figures[i].Added)
			}
			cells = append(cells, cell)
			if at := target(k, method); at > 0 {
				targets = append(targets, fmt.Sprintf("%.0f", at))
			}
		}
		if t := slices.Compact(slices.Clone(targets)); len(t) == 1 {
			targets = t
		}
		name := "`" + method + "`"
		if method == None {
			name = "no enforcer"
		}
		if explained {
			name += " | " + meanings[method]
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", name, strings.Join(cells, " | "),
			strings.Join(targets, ", ")))
	}
	return lines
}

// accuracyTable returns the lines for what lsmprof reported, against the truth.
func accuracyTable(t *testing.T) []string {
	documents := map[string]accuracyDocument{}
	type key struct{ operation, enforcer string }
	var keys []key
	for _, k := range measuredKernels {
		documents[k] = measured[accuracyDocument](t, "accuracy."+k)
		for _, r := range documents[k].Results {
			if at := (key{r.Case, r.Enforcer}); !slices.Contains(keys, at) {
				keys = append(keys, at)
			}
		}
	}
	lines := []string{
		"| operation | enforcer | cost on 6.1 | " + columns(measuredKernels) + " |",
		"|---|---|---" + strings.Repeat("|---", len(measuredKernels)) + "|",
	}
	for _, at := range keys {
		cells, truth := []string{}, ""
		for _, k := range measuredKernels {
			cell := ""
			for _, r := range documents[k].Results {
				if (key{r.Case, r.Enforcer}) != at {
					continue
				}
				cell = fmt.Sprintf("%+.1f %%", 100*r.Error())
				if k == "6.1" {
					truth = fmt.Sprintf("%.0f", r.Truth)
				}
			}
			cells = append(cells, cell)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s |", at.operation, at.enforcer, truth,
			strings.Join(cells, " | ")))
	}
	return lines
}

// nodesTable returns the lines for large nodes.
func nodesTable(t *testing.T) []string {
	lines := []string{
		"| CPUs | workloads | calls | rows | under `[other]` | charged to shared counters | kernel memory | " +
			"lsmprof's heap, RSS | idle poll | CPU time while idle |",
		"|---|---|---|---|---|---|---|---|---|---|",
	}
	for _, cpus := range []string{"2", "64", "192"} {
		for _, n := range measured[nodesDocument](t, "nodes."+cpus).Nodes {
			lines = append(lines, fmt.Sprintf("| %d | %d | %s | %s | %.3f %% | %.0f %% | %d MiB | "+
				"%d, %d MiB | %.1f million | %.2f %% |", n.Online, n.Workloads, text.Thousands(n.Calls),
				text.Thousands(uint64(n.Rows)), n.Other, n.Shared, n.Kernel>>20, n.Heap>>20, n.RSS>>20,
				n.Polling/1e6, n.Idle))
			if n.Other > 0.1 || n.Kernel > 64<<20 {
				t.Errorf("%+v: want at most 0.1 %% under [other], in 64 MiB", n)
			}
		}
	}
	return lines
}
