package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

// simulatedRuns returns the history of daily runs: the losses of tests under scenarios, each with noise between runs
// and, in part, the same for all. From run step on, one series is off by size standard deviations.
func simulatedRuns(rng *rand.Rand, runs, series, step int, size float64) *History {
	h := &History{}
	for i := range runs {
		p := historyPoint{
			HistoryPoint: HistoryPoint{
				Name: fmt.Sprintf("run-%02d", i), Start: time.Date(2026, 1, 1+i, 3, 0, 0, 0, time.UTC),
				Facts: map[string]string{"kernel": "6.1"},
			},
			values: map[string]HistoryValue{},
		}
		shared := 0.0005 * rng.NormFloat64()
		for s := range series {
			v := 0.02 + shared + 0.001*rng.NormFloat64()/math.Sqrt(rng.ExpFloat64()+0.3)
			if s == 0 && i >= step {
				v += 0.0012 * size // in standard deviations of a series
			}
			p.values[fmt.Sprintf("test%d, rules=8: loss", s)] = HistoryValue{"loss", v}
		}
		if i >= step {
			p.Facts["kernel"] = "6.12"
		}
		h.points = append(h.points, p)
	}
	return h
}

// At most 5 % of unchanged histories show a change, and a step of four standard deviations is found in all of 40.
func TestHistoryAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates histories by the hundred")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	const histories, runs, series = 200, 30, 24
	alarms := 0
	for range histories {
		r := simulatedRuns(rng, runs, series, runs, 0).Report()
		if len(r.Series) != series {
			t.Fatalf("%d series", len(r.Series))
		}
		if len(r.Series[0].Changes) > 0 {
			alarms++
		}
	}
	t.Logf("%d alarms in %d unchanged histories", alarms, histories)
	if alarms > histories/20 {
		t.Errorf("%d of %d unchanged histories show a change", alarms, histories)
	}
	found := 0
	for range 40 {
		r := simulatedRuns(rng, runs, series, 18, 4).Report()
		s := r.Series[0]
		if s.Name == "test0, rules=8: loss" && len(s.Changes) > 0 &&
			math.Abs(float64(s.Changes[0].Point-18)) <= 1 {
			found++
		}
	}
	t.Logf("a step of 4 standard deviations is found %d times in 40", found)
	if found < 38 {
		t.Errorf("a step is found %d times in 40", found)
	}
}

func TestHistoryReport(t *testing.T) {
	h := simulatedRuns(rand.New(rand.NewPCG(7, 8)), 30, 4, 18, 8)
	h.points[3].values = nil // a run without scores
	if err := h.AddProfile("broken.pb.gz", strings.NewReader("<script>")); err == nil {
		t.Error("garbage is a profile")
	}
	slices.Reverse(h.points) // the order of files means nothing
	r := h.Report()
	var text, js, html bytes.Buffer
	for w, write := range map[*bytes.Buffer]func(io.Writer) error{
		&text: r.WriteText, &html: r.WriteHTML, &js: r.WriteJSON,
	} {
		if err := write(w); err != nil {
			t.Fatal(err)
		}
	}
	golden.Equal(t, "history.txt", text.Bytes())
	golden.Equal(t, "history.json", js.Bytes())
	for _, want := range []string{"run-18", "kernel: 6.1 → 6.12", "broken.pb.gz", "<svg", "E-divisive means"} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}

// Real run directories and profiles in one history: each of two hosts has series of its own.
func TestHistoryOfRunsAndProfiles(t *testing.T) {
	var h History
	for i := range 16 {
		s := rundirtest.New(1, 2, 4)
		s.Info.Start, s.Info.Machine.Host = s.Info.Start.AddDate(0, 0, i), "bench-1"
		if i >= 9 {
			s.Info.Version = "newer"
			for j := range s.Results {
				if r := &s.Results[j]; r.Scenario == "rules=1" {
					r.Ops, r.Score = 0.9*r.Ops, 0.9*r.Score
					for k := range r.Slices {
						r.Slices[k][0] *= 0.9
					}
				}
			}
		}
		run, err := rundir.Read(s.Files(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.addRun(fmt.Sprintf("run-%02d", i), run); err != nil {
			t.Fatal(err)
		}
		ns := 2000.0 + float64(i%3)
		if i >= 10 {
			ns *= 1.5
		}
		if err := h.AddProfile(fmt.Sprintf("day-%02d", i), nodeProfileAt(t, "node-1", i, ns)); err != nil {
			t.Fatal(err)
		}
	}
	r := h.Report()
	changed := map[string]string{}
	for _, s := range r.Series {
		if len(s.Values) != 32 || len(s.known()) != 16 {
			t.Errorf("%s has %d values at %d points", s.Name, len(s.known()), len(s.Values))
		}
		for _, c := range s.Changes {
			changed[s.Name] += r.Points[c.Point].Name + " " + strings.Join(c.Also, " ")
		}
	}
	for name, want := range map[string]string{
		"bench-1: test0, rules=1: loss":  "run-09 lsmprof: test → newer",
		"node-1: cost of the same calls": "day-10 ",
		"node-1: varmor_file_open: mean": "day-10 ",
		"node-1: hooks, of one CPU":      "day-10 ",
	} {
		if changed[name] != want {
			t.Errorf("%s changed at %q, want %q; all: %v", name, changed[name], want, changed)
		}
		delete(changed, name)
	}
	if len(changed) > 0 {
		t.Errorf("changed, too: %v", changed)
	}
}

func TestEmptyHistory(t *testing.T) {
	var zero HistoryReport
	var none, one History
	if err := one.AddProfile("a", nodeProfileAt(t, "", 1, 2000)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*HistoryReport{&zero, none.Report(), one.Report()} {
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
