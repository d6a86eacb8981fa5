package profile_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// recorded is a snapshot as the tracer takes it: 100 opens by nginx under 8 rules, and 20 by a shell under none.
func recorded() profile.Snapshot {
	nginx := profile.Row{Syscall: "openat", Workload: profile.Workload{MntNS: 4026532201, Comm: "nginx"}, Rules: 8}
	shell := profile.Row{Syscall: "openat", Workload: profile.Workload{MntNS: 4026531840, Comm: "sh"}, Rules: 0}
	for range 100 {
		nginx.Readings.Add(2158)
		nginx.Sum += 2158
	}
	for range 20 {
		shell.Readings.Add(358)
		shell.Sum += 358
	}
	return profile.Snapshot{
		Duration: time.Second,
		Calibration: profile.Calibration{
			Runs:      32,
			Bias:      profile.Median{Value: 158, Spread: 2},
			Dispatch:  profile.Median{Value: 150, Spread: 3},
			ProbeCost: profile.Median{Value: 420, Spread: 8},
		},
		Programs: []profile.Program{
			{ID: 7, Name: "varmor_file_open", Hook: "file_open", Enforcer: "varmor", Timed: 120},
		},
		Rows: []profile.Row{nginx, shell},
	}
}

func ExampleSnapshot_Costs() {
	costs, err := recorded().Costs()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range costs.Rows {
		c := &costs.Rows[i]
		fmt.Printf("%s %s %s, %d rules: %d calls of %.0f ns, p99 %.0f ns, %.1f %% of all\n",
			c.Name, c.Syscall, c.Program.Hook, c.Rules, c.Calls, c.Mean(), c.Quantile(0.99), costs.Share(c))
	}
	// Output:
	// nginx openat file_open, 8 rules: 100 calls of 2150 ns, p99 2150 ns, 96.8 % of all
	// sh openat file_open, 0 rules: 20 calls of 350 ns, p99 350 ns, 3.2 % of all
}

func ExampleCosts_Groups() {
	costs, err := recorded().Costs()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range costs.Groups(func(c *profile.Cost) string { return c.Program.Enforcer }) {
		fmt.Printf("%s: %d calls, %.0f µs, under %v rules\n", g.Name, g.Calls, g.Hook/1e3, g.Rules)
	}
	// Output:
	// varmor: 120 calls, 222 µs, under [0 8] rules
}

func ExampleReadJSON() {
	var document bytes.Buffer
	if err := recorded().WriteJSON(&document); err != nil {
		fmt.Println(err)
		return
	}
	doc, err := profile.ReadJSON(&document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %.0f ns in %d rows, %.0f %% of %d calls timed\n",
		doc.Schema, doc.HookNs, len(doc.Rows), doc.Completeness.Percent, doc.Completeness.Invocations)
	// Output:
	// lsmprof/record/v1: 222000 ns in 2 rows, 100 % of 120 calls timed
}

func ExampleSnapshot_Since() {
	earlier, later := recorded(), recorded()
	later.Duration += time.Second
	later.Rows[0].Readings.Add(2158)
	later.Rows[0].Sum += 2158
	later.Programs[0].Timed++
	delta, err := later.Since(earlier)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d new call in %v\n", delta.Total().Calls(), delta.Duration)
	// Output:
	// 1 new call in 1s
}

func ExampleHistogram_Quantile() {
	var h profile.Histogram
	for v := range uint64(1000) {
		h.Add(v)
	}
	fmt.Printf("the median of 0 to 999 is %.0f, at most %.1f %% off\n", h.Quantile(0.5), 100*profile.Tolerance)
	// Output:
	// the median of 0 to 999 is 499, at most 12.5 % off
}
