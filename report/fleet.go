package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/text"
)

// FleetSchema is the version of the JSON of a [FleetReport].
const FleetSchema = "lsmprof/fleet-report/v1"

// Fleet adds up profiles of many nodes. The zero value has none. It must not be used concurrently.
type Fleet struct {
	decoder fleet.Decoder
	sums    fleet.Sums
	missing []FleetMissing
}

// Add adds a profile that `lsmprof record` or `lsmprof serve` wrote. It belongs to the node that the profile names; if
// it names none, the source is the node. Address is that of the node if the profile was fetched, and empty if it is a
// file: it keeps nodes of one name apart. A profile that cannot be read is named in the report, and changes no figure.
func (f *Fleet) Add(source, address string, profile io.Reader) error {
	p, err := f.decoder.Decode(profile)
	if err == nil {
		err = f.sums.Add(source, address, p)
	}
	if err != nil {
		f.Missing(source, err)
	}
	return err
}

// Missing adds a node to the report whose profile could not be fetched.
func (f *Fleet) Missing(source string, err error) {
	reason := "for an unknown reason"
	if err != nil {
		reason = err.Error()
	}
	f.missing = append(f.missing, FleetMissing{source, reason})
}

// FleetReport is a report about the nodes of a fleet. The zero value is an empty report.
type FleetReport struct {
	Schema  string         `json:"schema"`
	Title   string         `json:"title"`
	Answer  []string       `json:"answer"` // sentences
	Nodes   []FleetNode    `json:"nodes"`  // those that differ first, then the most expensive
	Tables  []FleetTable   `json:"tables"`
	Missing []FleetMissing `json:"missing"`
	// A measure of a node differs if its robust score is above Limit; null: there are too few nodes to say so.
	Limit *float64 `json:"limit"`
	Facts []string `json:"facts"`

	sums *fleet.Sums
}

// FleetMissing is a profile that could not be fetched or read.
type FleetMissing struct {
	Source string `json:"source"`
	Error  string `json:"error"`
}

// FleetNode is what the hooks of a node cost.
type FleetNode struct {
	Name     string  `json:"name"`
	Source   string  `json:"source"` // of its first profile
	Profiles int     `json:"profiles"`
	Seconds  float64 `json:"seconds"` // that all of them took
	ProfileCost
	Share float64 `json:"cpu_share"` // of the time of one CPU
	// Relative is the cost of the node's calls, divided by what the same calls cost on the median node; null: no
	// other nodes make such calls.
	Relative *float64     `json:"relative_cost"`
	Differs  []FleetScore `json:"differs"` // measures by which the node differs, the clearest first
}

// FleetScore is a measure by which a node differs from the others.
type FleetScore struct {
	Measure string  `json:"measure"` // calls, mean or relative_cost
	Times   float64 `json:"times"`   // the node's value, divided by the median node's
	Score   float64 `json:"score"`   // robust standard deviations of the logarithm; at most 1000
}

// FleetTable is a fleet summed up by one property of the calls.
type FleetTable struct {
	By   string     `json:"by"`   // enforcer, policy, namespace, hook, syscall, rules or program
	Rows []FleetRow `json:"rows"` // the most expensive first
}

// FleetRow is what calls that have something in common cost, and how that is distributed over the nodes.
type FleetRow struct {
	Name  string `json:"name"`
	Nodes int    `json:"nodes"` // that make such calls
	ProfileCost
	Share FleetShares `json:"cpu_share"`
}

// FleetShares are shares of the time of one CPU, over all nodes that have a profile.
type FleetShares struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	P90    float64 `json:"p90"`
	Max    float64 `json:"max"`
	Most   string  `json:"max_node"`
}

// WriteJSON writes the report as one JSON object.
func (r *FleetReport) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// describe says by what the node differs: "the same calls take 2.4 times as long".
func (s *FleetScore) describe() string {
	times := text.Number(roundTo(s.Times, 2)) + " times"
	switch s.Measure {
	case measureCalls:
		return times + " as many calls per second"
	case measureMean:
		return "a call takes " + times + " as long"
	default:
		return "the same calls take " + times + " as long"
	}
}

// Why returns by what the node differs, or a dash.
func (n *FleetNode) Why() string {
	var all []string
	for i := range n.Differs {
		if n.Differs[i].Measure == measureMean && n.sameCallsDiffer() {
			continue // that is why
		}
		all = append(all, n.Differs[i].describe())
	}
	if len(all) == 0 {
		return none
	}
	return text.List(all)
}

func (n *FleetNode) sameCallsDiffer() bool {
	return slices.ContainsFunc(n.Differs, func(s FleetScore) bool { return s.Measure == measureRelative })
}

func (n *FleetNode) relativeText() string {
	if n.Relative == nil {
		return none
	}
	return fmt.Sprintf("%.2f ×", *n.Relative)
}
