package forecast

import (
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// FitWorkloads fits a model to a recording itself. It fails if no hook was recorded under several numbers of rules: one
// workload under two, or several workloads under three. Then the error says what to do.
func FitWorkloads(all []Workload) (*Model, error) {
	var observations []observation
	enforcer, mixed := "", false
	for i := range all {
		w := &all[i]
		for k := range w.Rows {
			r := &w.Rows[k]
			if r.Rules < 0 || r.Calls < fewestRecorded {
				continue
			}
			mixed = mixed || enforcer != "" && enforcer != r.Enforcer
			enforcer = r.Enforcer
			observations = append(observations, observation{
				source: w.Name, at: r.place(), enforcer: r.Enforcer, confined: false, rules: r.Rules,
				mean: r.Mean, err: r.Err,
			})
		}
	}
	joinSources(observations)
	m, err := fitModel(observations)
	if err != nil {
		return nil, fmt.Errorf("fit a model to the recording: %w; %w", err, errTooAlike)
	}
	m.Origin = "the recording itself"
	if !mixed {
		m.Enforcer = enforcer
	}
	return m, nil
}

var errTooAlike = errors.New("it takes a workload under two numbers of rules, or three workloads under three")

// fewestRecorded is the number of calls below which the mean of a row says little.
const fewestRecorded = 20

// allWorkloads is the source of observations that joinSources joined.
const allWorkloads = "all workloads"

// joinSources makes one source of all workloads at a place if none of them had two numbers of rules but three of them
// had different ones. Their paths differ in depth, which then shows as distance from the line. A workload with deep
// paths has them at every hook, so the errors of all lines are one error.
func joinSources(all []observation) {
	type source struct {
		at   place
		name string
	}
	own, numbers := map[source]map[int]bool{}, map[place]map[int]bool{}
	several := map[place]bool{}
	for _, o := range all {
		if o.rules == 0 {
			continue
		}
		s := source{o.at, o.source}
		if own[s] == nil {
			own[s] = map[int]bool{}
		}
		if numbers[o.at] == nil {
			numbers[o.at] = map[int]bool{}
		}
		own[s][o.rules], numbers[o.at][o.rules] = true, true
		several[o.at] = several[o.at] || len(own[s]) > 1
	}
	for i, o := range all {
		if !several[o.at] && len(numbers[o.at]) >= 3 && o.at.kind() != rules.Other {
			all[i].source = allWorkloads
		}
	}
}
