package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/profile"
)

// nodeProfile returns the profile of a node: opens of a pod that take ns each under 8 rules, and of the host.
func nodeProfile(t testing.TB, host string, opens int, ns float64) *bytes.Buffer {
	t.Helper()
	return nodeProfileOf(t, host, time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), opens, ns)
}

// nodeProfileAt returns the profile of a node on a day.
func nodeProfileAt(t testing.TB, host string, day int, ns float64) *bytes.Buffer {
	t.Helper()
	return nodeProfileOf(t, host, time.Date(2026, 7, 1+day, 12, 0, 0, 0, time.UTC), 10000, ns)
}

func nodeProfileOf(t testing.TB, host string, start time.Time, opens int, ns float64) *bytes.Buffer {
	t.Helper()
	row := func(program int, syscall string, w profile.Workload, rules, calls int, ns float64) profile.Row {
		r := profile.Row{
			Program: program, Syscall: syscall, Workload: w, Rules: rules,
			Sum: uint64(float64(calls) * ns),
		}
		r.Readings[profile.Bucket(uint64(ns))] = uint64(calls)
		return r
	}
	s := profile.Snapshot{
		Start: start, Duration: 10 * time.Second, Version: "v1",
		Machine: profile.Machine{Host: host, Kernel: "6.12", Arch: "amd64", CPU: "a CPU", CPUs: 4},
		Calibration: profile.Calibration{
			Runs: 9, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 50},
		},
		Programs: []profile.Program{
			{Name: "varmor_file_open", Hook: "file_open", Enforcer: "varmor", Timed: uint64(opens + 100)},
			{Name: "apparmor_path_rename", Hook: "path_rename", Enforcer: "apparmor", Timed: 50},
		},
		Rows: []profile.Row{
			row(0, "openat", profile.Workload{MntNS: 2, Comm: "nginx", Namespace: "shop", Pod: "web-0"}, 8,
				opens, ns),
			row(0, "openat", profile.Workload{MntNS: 1, Comm: "systemd"}, 0, 100, 300),
			row(1, "renameat2", profile.Workload{MntNS: 1, Comm: "systemd"}, 0, 50, 5000),
		},
	}
	s.Rows[0].Denials, s.Rows[2].Policy = 7, "docker-default"
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return &b
}

// fleetOf returns the report on nodes whose calls take about 2 µs each. One, if any, has other figures.
func fleetOf(t testing.TB, nodes int, odd func(node int, opens, ns *float64)) *FleetReport {
	t.Helper()
	var f Fleet
	rng := rand.New(rand.NewPCG(1, uint64(nodes)))
	for i := range nodes {
		opens, ns := 10000*math.Exp(0.1*rng.NormFloat64()), 2000*math.Exp(0.03*rng.NormFloat64())
		if odd != nil {
			odd(i, &opens, &ns)
		}
		if err := f.Add(fmt.Sprintf("%d.pb.gz", i), "", nodeProfile(t, fmt.Sprintf("node-%02d", i), int(opens),
			ns)); err != nil {
			t.Fatal(err)
		}
	}
	return f.Report()
}

func TestFleetReport(t *testing.T) {
	var f Fleet
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 12 {
		opens, ns := 10000*math.Exp(0.1*rng.NormFloat64()), 2000*math.Exp(0.03*rng.NormFloat64())
		if i == 7 {
			ns *= 3
		}
		host := fmt.Sprintf("node-%02d", i)
		if err := f.Add(host+".pb.gz", "", nodeProfile(t, host, int(opens), ns)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Add("broken.pb.gz", "", strings.NewReader("<script>")); err == nil {
		t.Error("garbage is a profile")
	}
	f.Missing("http://node-13:6061", fmt.Errorf("connection refused"))
	r := f.Report()
	var text, js, html bytes.Buffer
	for w, write := range map[*bytes.Buffer]func(io.Writer) error{
		&text: r.WriteText, &html: r.WriteHTML, &js: r.WriteJSON,
	} {
		if err := write(w); err != nil {
			t.Fatal(err)
		}
	}
	golden.Equal(t, "fleet.txt", text.Bytes())
	golden.Equal(t, "fleet.json", js.Bytes())
	for _, want := range []string{
		"node-07", "2.9", "http://node-13:6061: connection refused", `id="flame-data"`,
		"<svg",
	} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if html.Len() > 400_000 {
		t.Errorf("the page has %d bytes", html.Len())
	}
}

func TestFleetFindsTheNodeThatDiffers(t *testing.T) {
	for name, test := range map[string]struct {
		nodes int
		odd   func(node int, opens, ns *float64)
		want  string // measures of node 3; nothing: no node differs
	}{
		"none": {20, nil, ""},
		"slower": {
			20, func(i int, _, ns *float64) { *ns *= when(i == 3, 1.4) },
			"mean relative_cost",
		},
		"faster": {
			20, func(i int, _, ns *float64) { *ns /= when(i == 3, 1.4) },
			"mean relative_cost",
		},
		"busier":        {20, func(i int, opens, _ *float64) { *opens *= when(i == 3, 3) }, "calls"},
		"five per cent": {200, func(i int, _, ns *float64) { *ns = 2000 * when(i == 3, 1.05) }, ""},
		"a third differ": {
			30, func(i int, _, ns *float64) { *ns *= when(i%3 == 0, 2) },
			"mean relative_cost",
		},
		"too few":          {4, func(i int, _, ns *float64) { *ns *= when(i == 3, 10) }, ""},
		"calls, all equal": {9, func(i int, opens, _ *float64) { *opens = 10000 * when(i == 3, 2) }, "calls"},
	} {
		r := fleetOf(t, test.nodes, test.odd)
		for _, n := range r.Nodes {
			var got []string
			for _, d := range n.Differs {
				got = append(got, d.Measure)
			}
			slices.Sort(got)
			want := ""
			if n.Name == "node-03" || name == "a third differ" && n.Relative != nil && *n.Relative > 1.5 {
				want = test.want
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %s differs by %q, want %q", name, n.Name, got, want)
			}
		}
		if (r.Limit == nil) != (test.nodes < 5) {
			t.Errorf("%s: limit %v", name, r.Limit)
		}
	}
}

func when(condition bool, factor float64) float64 {
	if condition {
		return factor
	}
	return 1
}

// The order in which profiles arrive changes nothing, and the tables add up.
func TestFleetAddsUp(t *testing.T) {
	var f, g Fleet
	for i := range 8 {
		for fl, node := range map[*Fleet]int{&f: i, &g: 7 - i} {
			host := fmt.Sprint("node-", node%7)
			if err := fl.Add(fmt.Sprint(node), "", nodeProfile(t, host, 100*(node+1), 1000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	a, b := f.Report(), g.Report()
	var one, two bytes.Buffer
	if err := a.WriteHTML(&one); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteHTML(&two); err != nil {
		t.Fatal(err)
	}
	a.Nodes[0].Source, b.Nodes[0].Source = "", ""
	if one.String() != two.String() {
		t.Error("the page depends on the order of the profiles")
	}
	var nodes ProfileCost
	for _, n := range a.Nodes {
		nodes.add(n.ProfileCost)
	}
	for _, table := range a.Tables {
		var sum ProfileCost
		for _, row := range table.Rows {
			sum.add(row.ProfileCost)
		}
		if sum.Calls != nodes.Calls || sum.HookNs != nodes.HookNs || sum.Denials != nodes.Denials {
			t.Errorf("by %s: %+v, nodes %+v", table.By, sum, nodes)
		}
	}
	if len(a.Nodes) != 7 || len(a.Tables) != 7 {
		t.Errorf("%d nodes, %d tables", len(a.Nodes), len(a.Tables))
	}
}

func TestEmptyFleet(t *testing.T) {
	var zero FleetReport
	var none Fleet
	for _, r := range []*FleetReport{&zero, none.Report()} {
		for _, write := range []func(io.Writer) error{r.WriteHTML, r.WriteText, r.WriteJSON} {
			if err := write(io.Discard); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.Handler(); err != nil {
			t.Error(err)
		}
	}
}

func TestFleetServes(t *testing.T) {
	h, err := fleetOf(t, 6, nil).Handler()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "pprof/0/flamegraph", "/pprof/0/top": "path_rename"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, want %q", path, w.Code, want)
		}
	}
}
