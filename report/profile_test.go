package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/profile"
)

// recorded returns a profile of 10 s: opens and renames of a pod under 8 rules, and opens of the host under none.
func recorded(t testing.TB, opens, ns int) *pprof.Profile {
	t.Helper()
	web := profile.Workload{MntNS: 2, Comm: "nginx", Namespace: "shop", Pod: "web-0", Container: "nginx"}
	row := func(program int, syscall string, w profile.Workload, rules, calls, ns int) profile.Row {
		r := profile.Row{Program: program, Syscall: syscall, Workload: w, Rules: rules, Sum: uint64(calls * ns)}
		for range calls {
			r.Readings.Add(uint64(ns))
		}
		return r
	}
	s := profile.Snapshot{
		Start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Duration: 10 * time.Second, Version: "v1",
		Machine: profile.Machine{Host: "node-7", Kernel: "6.12", Arch: "amd64", CPU: "a CPU", CPUs: 4},
		Calibration: profile.Calibration{
			Runs: 9, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 50},
		},
		Programs: []profile.Program{
			{Name: "varmor_file_open", Hook: "file_open", Enforcer: "varmor", Timed: uint64(opens + 100)},
			{Name: "varmor_path_rename", Hook: "path_rename", Enforcer: "varmor", Timed: 50},
		},
		Rows: []profile.Row{
			row(0, "openat", web, 8, opens, ns),
			row(0, "openat", profile.Workload{MntNS: 1, Comm: "systemd"}, 0, 100, 300),
			row(1, "renameat2", web, 8, 50, 5000),
		},
	}
	s.Rows[0].Denials = 7
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	p, err := costs.Profile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProfileReport(t *testing.T) {
	one := NewProfile(recorded(t, 1000, 2000))
	two := NewProfile(recorded(t, 2000, 2500)).Compare(one)
	for name, r := range map[string]*ProfileReport{"profile": one, "two_profiles": two} {
		var text, html, js bytes.Buffer
		for w, write := range map[*bytes.Buffer]func(io.Writer) error{
			&text: r.WriteText, &html: r.WriteHTML, &js: r.WriteJSON,
		} {
			if err := write(w); err != nil {
				t.Fatal(err)
			}
		}
		golden.Equal(t, name+".txt", text.Bytes())
		golden.Equal(t, name+".json", js.Bytes())
		if !json.Valid(js.Bytes()) {
			t.Errorf("%s: the JSON is not valid", name)
		}
		for _, want := range append([]string{"shop/web-0", "8 rules", "node-7", `id="flame-data"`},
			r.Answer...) {
			if !strings.Contains(html.String(), strings.ReplaceAll(want, "+", "&#43;")) {
				t.Errorf("%s: the page does not have %q", name, want)
			}
		}
		if size := html.Len(); size > 400_000 {
			t.Errorf("%s: the page has %d bytes", name, size)
		}
	}
	if two.old == nil || one.old != nil {
		t.Error("Compare changed the report it was called on, or made none of two profiles")
	}
}

// The causes of a change add up to it.
func TestChangeIsDividedBetweenItsCauses(t *testing.T) {
	cost := func(calls, ns int64) ProfileCost { return ProfileCost{Calls: calls, HookNs: ns, seconds: 2} }
	for _, test := range []struct {
		name               string
		now, old           ProfileCost
		total, calls, each float64
	}{
		{"more calls", cost(20, 2000), cost(10, 1000), 500, 500, 0},
		{"dearer calls", cost(10, 3000), cost(10, 1000), 1000, 0, 1000},
		{"both", cost(20, 6000), cost(10, 1000), 2500, 500, 2000},
		{"new", cost(10, 1000), cost(0, 0), 500, 500, 0},
		{"gone", cost(0, 0), cost(10, 1000), -500, -500, 0},
	} {
		row := ProfileRow{Now: test.now, Old: &test.old}
		row.divide()
		if row.Change() != test.total || row.ByCalls != test.calls || row.ByMean != test.each {
			t.Errorf("%s: %g = %g + %g, want %g = %g + "+
				"%g", test.name, row.Change(), row.ByCalls, row.ByMean,
				test.total, test.calls, test.each)
		}
	}
	one := ProfileRow{Now: cost(1, 1)}
	if one.divide(); one.Change() != 0 {
		t.Errorf("a single profile changed by %g", one.Change())
	}
}

// The tables of pods, workloads, syscalls and so on have the same sum, except that not everything is in a pod.
func TestTablesAddUp(t *testing.T) {
	p, old := recorded(t, 1000, 2000), recorded(t, 300, 2500)
	whole := total(p)
	before := total(old)
	change := whole.PerSecond() - before.PerSecond()
	for _, table := range tables(p, old) {
		var sum ProfileCost
		changed := 0.0
		for _, r := range table.Rows {
			sum.add(r.Now)
			changed += r.Change()
		}
		if table.By != "pod" && math.Abs(changed-change) > 1 {
			t.Errorf("by %s the cost changed by %g ns/s, want %g", table.By, changed, change)
		}
		if table.By != "pod" && (sum.HookNs != whole.HookNs || sum.Calls != whole.Calls ||
			sum.Denials != whole.Denials) {
			t.Errorf("by %s: %+v, want %+v", table.By, sum, whole)
		}
		if table.By == "pod" && len(table.Rows) != 1 {
			t.Errorf("pods %+v, want one", table.Rows)
		}
	}
}

func TestOpenProfileRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"garbage": "garbage", "empty": ""} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenProfile(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cpu := &pprof.Profile{SampleType: []*pprof.ValueType{{Type: "cpu", Unit: "nanoseconds"}}}
	var b bytes.Buffer
	if err := cpu.Write(&b); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "cpu.pb.gz")
	if err := os.WriteFile(other, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenProfile(other); err == nil || !strings.Contains(err.Error(), "not a profile of lsmprof") {
		t.Errorf("a CPU profile: %v", err)
	}
	if _, err := OpenProfile(dir); err == nil {
		t.Error("a directory: no error")
	}
}

func TestEmptyProfileReport(t *testing.T) {
	var zero ProfileReport
	for _, r := range []*ProfileReport{&zero, NewProfile(&pprof.Profile{}), zero.Compare(&zero)} {
		for _, write := range []func(io.Writer) error{r.WriteHTML, r.WriteText, r.WriteJSON} {
			if err := write(io.Discard); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestProfileIsServedWithPprofsViews(t *testing.T) {
	h, err := NewProfile(recorded(t, 20, 2000)).Compare(NewProfile(recorded(t, 10, 2000))).Handler()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":                   `<a href="pprof/1/flamegraph">pprof: the difference</a>`,
		"/pprof/0/flamegraph": "hook.path_rename",
		"/pprof/1/top":        "hook.file_open", "/pprof/0/peek?f=x": "",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, without %q", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/pprof/0/source?f=x",
		nil)); w.Code != http.StatusNotFound {
		t.Errorf("source files are served: status %d", w.Code)
	}
}

func TestRateOfAProfileWithoutALength(t *testing.T) {
	c := ProfileCost{Calls: 5, HookNs: 10}
	if c.Rate() != 5 || c.PerSecond() != 10 || math.Abs(c.Mean()-2) > 1e-9 {
		t.Errorf("rate %g, per second %g, mean %g", c.Rate(), c.PerSecond(), c.Mean())
	}
}
