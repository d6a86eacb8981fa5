package cli

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// crossCheck runs record --cross-check with more arguments and returns both passes by hook.
func crossCheck(t *testing.T, args ...string) map[string]profile.DocumentComparison {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"record", "-o", "json", "--output", "-", "--cross-check"}, args...)
	if code := Main(args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	doc, err := profile.ReadJSON(&stdout)
	if err != nil {
		t.Fatal(err)
	}
	if doc.CrossCheck == nil {
		t.Fatal("the document has no cross-check")
	}
	for _, w := range doc.Warnings {
		t.Log(w)
	}
	byHook := map[string]profile.DocumentComparison{}
	for _, p := range doc.CrossCheck.Programs {
		byHook[p.Hook] = p
	}
	return byHook
}

// opener returns the arguments of a command that opens a file that many times in each of its threads.
func opener(threads, times int) []string {
	op := "openat"
	if threads == 1 {
		op = "openat-uneven"
	}
	return []string{
		"--", "sh", "-c",
		fmt.Sprintf("echo '%s*%d %d' | %s=1 %s", op, threads, times, workloadEnv, os.Args[0]),
	}
}

// In the second pass bpf_stats counts as many calls as the probes did, however often those were preempted: 4 and 16
// threads share one CPU.
func TestIcountCrossCheck(t *testing.T) {
	vmtest.IcountGuest(t)
	startReference(t, map[uint32]enforcer.Rules{})
	check := func(t *testing.T, threads, times int) {
		p := crossCheck(t, opener(threads, times)...)["file_open"]
		t.Logf("%d threads: %.0f calls, %.0f by bpf_stats; body %.1f ns, %.1f", threads, p.Calls, p.StatsCalls,
			p.BodyNs, p.StatsNs)
		if !p.Present || p.StatsCalls < float64(threads*times) || math.Abs(p.CallsPercent) > 0.5 {
			t.Errorf("%d threads: %+v, want at least %d calls and 0.5 %%", threads, p, threads*times)
		}
		if math.Abs(p.BodyPercent) > 5 && threads == 1 {
			t.Errorf("%+v: the bodies are more than 5 %% apart", p)
		}
	}
	check(t, 1, 4000)
	for _, model := range []string{kernel.PreemptFull, kernel.PreemptLazy} {
		t.Run(model, func(t *testing.T) {
			preemptModel(t, model)
			check(t, 4, 4000)
			check(t, 16, 1500)
		})
	}
}

// Without a command there are two passes of the same load, and probes and bpf_stats are never active at once.
func TestCrossCheckOfADuration(t *testing.T) {
	vmtest.Guest(t)
	startReference(t, map[uint32]enforcer.Rules{})
	p, ok := crossCheck(t, "--calibrate=off", "-d", "500ms", "--hook", "file_open")["file_open"]
	if !ok || !p.Present {
		t.Errorf("file_open is not in the cross-check: %+v", p)
	}
}
