package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// With -d lsmprof records first, and forecasts what it recorded.
func TestForecastRecords(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 4}})
	done := make(chan error)
	stop := make(chan struct{})
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				done <- nil
				return
			default:
				err = w.try("openat", 20)
			}
		}
		done <- err
	}()
	var out, errs bytes.Buffer
	code := Main([]string{
		"forecast", "--model", modelOfOpens(t), "-d", "2s", "--rules", "file=8", "--json", "-q",
	}, nil, &out, &errs)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, &errs)
	}
	var doc forecast.Document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Workloads {
		for _, h := range f.Hooks {
			if h.Syscall == "openat" && h.Rules == 4 && h.NewRule == 8 && h.New > h.Mean && h.Calls >= 20 {
				return
			}
		}
	}
	t.Errorf("no forecast of the workload's opens under 4 rules: %s", &out)
}

// modelOfOpens writes the run directory of a benchmark in which an open costs 3,000 ns and 200 ns for each rule.
func modelOfOpens(t *testing.T) string {
	t.Helper()
	numbers := []int{1, 2, 4}
	plan := rundir.Plan{Tests: []rundir.Test{{Name: "open", Kind: rundir.BuiltIn, Unit: "lps"}}}
	var counts []rules.Rules
	var names []string
	cells := map[string]rundir.Explained{}
	for _, n := range numbers {
		counts, names = append(counts, rules.Rules{File: n}), append(names, fmt.Sprint(n))
		cells[fmt.Sprint("rules=", n)] = rundir.Explained{
			Ops: 1, Calls: 1, Completeness: 100,
			Rows: []rundir.ExplainedRow{{
				Syscall: "openat", Hook: "file_open", Program: "ref_file_open", Rules: n, Calls: 1,
				Mean: 3000 + 200*float64(n), Err: 1,
			}},
		}
	}
	plan.Scenarios = rundir.ReferenceScenarios(counts, names)
	dir := t.TempDir()
	for name, v := range map[string]any{
		rundir.InfoFile:      rundir.Info{Schema: rundir.RunSchema, Enforcer: "reference", Plan: plan},
		rundir.ExplainedFile: map[string]map[string]rundir.Explained{"open": cells},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
