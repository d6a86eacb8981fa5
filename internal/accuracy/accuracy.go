package accuracy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Result is a line of the table: what an enforcer cost an operation, and what lsmprof reported.
type Result struct {
	Case     string  `json:"case"`
	Enforcer string  `json:"enforcer"`
	Calls    float64 `json:"calls_per_operation"`
	Truth    float64 `json:"truth"` // per operation
	Reported float64 `json:"reported"`
	Target   float64 `json:"target"` // largest allowed difference between Reported and Truth
}

// Error returns the difference between Reported and Truth, relative to Truth.
func (r Result) Error() float64 { return r.Reported/r.Truth - 1 }

// Holds reports whether the difference is at most Target.
func (r Result) Holds() bool { return math.Abs(r.Reported-r.Truth) <= r.Target }

// accuracyCase is an operation and the enforcers that it runs under. They are attached in this order.
type accuracyCase struct {
	name         string
	op           func() (*operation, error)
	layers       []layer
	share, floor float64 // the target is this share of the truth, but at least floor ns
}

const perRuleShare = 0.03

// hookScopeShare is the target of probes on hooks.
const hookScopeShare = 0.10

// walked are the numbers of rules from which the cost of one rule follows.
var walked = []int{1, 8, 64}

// execveShare allows for the levels of execve's latency, see execve. On arm64 they are farther apart: the truth of two
// boots was 7,361 and 7,589 instructions.
func execveShare() float64 {
	if runtime.GOARCH == "arm64" {
		return 0.10
	}
	return 0.05
}

// Accuracy measures every case of the table.
func (r *Rig) Accuracy() ([]Result, error) {
	all, err := r.run(accuracyCase{
		name: "getpgid, empty program", op: getpgid, layers: []layer{small("task_getpgid", 0)},
		share: 0.03, floor: 10,
	})
	for _, depth := range []int{2, 12} {
		var points []Result
		for _, rules := range append([]int{0}, walked...) {
			op := openClose(depth)
			if rules == 0 {
				// The cost is so low that one interrupt in 5,000 calls would be a tenth of it.
				op = repeated(4, op)
			}
			got, e := r.run(accuracyCase{
				name: fmt.Sprintf("open at depth %d, %d rules", depth, rules), op: op,
				layers: []layer{r.reference(enforcer.Rules{File: rules}, "file_open")}, share: 0.03,
			})
			all, err = append(all, got...), errors.Join(err, e)
			if rules > 0 {
				points = append(points, got...)
			}
		}
		if len(points) == len(walked) {
			all = append(all, perRule(fmt.Sprintf("open at depth %d, one rule", depth), points))
		}
	}
	for _, c := range []accuracyCase{
		{
			name: "execve, 8 file and 8 exec rules", op: execve,
			layers: []layer{
				r.reference(enforcer.Rules{File: 8, Exec: 8}, "file_open", "bprm_check_security"),
			},
			share: execveShare(),
		},
		{
			name: "connect, 8 rules", op: connect,
			layers: []layer{r.reference(enforcer.Rules{Net: 8}, "socket_connect")},
		},
		{
			name: "rename, 8 rules", op: rename,
			layers: []layer{r.reference(enforcer.Rules{File: 8}, "path_rename")},
		},
		{
			name: "open, two enforcers", op: openClose(2),
			layers: []layer{r.reference(enforcer.Rules{File: 8}, "file_open"), small("file_open", 200)},
		},
	} {
		c.share = cmp.Or(c.share, 0.05)
		got, e := r.run(c)
		all, err = append(all, got...), errors.Join(err, e)
	}
	return all, err
}

// run measures a case: without enforcers, after attaching each of them, and with probes on them.
func (r *Rig) run(c accuracyCase) (results []Result, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, err)
		}
	}()
	op, err := c.op()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	levels := make([]float64, len(c.layers)+1) // latency without enforcers, with one, with two, …
	for i := range levels {
		levels[i] = math.Inf(1)
	}
	var reported profile.Costs
	for round := range max(1, op.rounds) {
		err := r.climb(op, c.layers, levels, func() (err error) {
			if round == 0 {
				reported, err = r.probe(op.hooks, tracer.Options{}, r.calibration, op.latencies)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for i, l := range c.layers {
		results = append(results, Result{Case: c.name, Enforcer: l.name, Truth: levels[i+1] - levels[i]})
	}
	for _, row := range reported.Rows {
		for i, l := range c.layers {
			// Probes on hooks measure all programs together: charge the first enforcer.
			if l.owns(row.Program.Name) || r.calibration.Scope == profile.ScopeHook && i == 0 {
				results[i].Reported += row.Hook / float64(op.total())
				results[i].Calls += float64(row.Calls) / float64(op.total())
			}
		}
	}
	if r.calibration.Scope == profile.ScopeHook {
		results = together(results)
		c.share = hookScopeShare
	}
	for i := range results {
		results[i].Target = max(c.share*results[i].Truth, c.floor)
	}
	return results, nil
}

// climb attaches one enforcer after the other. It measures the latency of each level, and keeps it if it is lower than
// the one in levels. It calls then with all enforcers attached, and detaches them.
func (r *Rig) climb(op *operation, layers []layer, levels []float64, then func() error) (err error) {
	for i := range levels {
		latency, failed := op.latency()
		if failed != nil {
			return failed
		}
		levels[i] = min(levels[i], latency)
		if i == len(layers) {
			break
		}
		detach, failed := layers[i].attach()
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, detach()) }()
	}
	return then()
}

// together adds up the lines of enforcers: probes on hooks measure them together.
func together(each []Result) []Result {
	sum := each[0]
	for _, r := range each[1:] {
		sum.Enforcer += "+" + r.Enforcer
		sum.Truth += r.Truth
	}
	return []Result{sum}
}

// perRule returns the cost of one rule: the slope of a line through the points.
func perRule(name string, points []Result) Result {
	r := Result{
		Case: name, Enforcer: points[0].Enforcer, Calls: points[0].Calls,
		Truth:    slope(points, func(p Result) float64 { return p.Truth }),
		Reported: slope(points, func(p Result) float64 { return p.Reported }),
	}
	r.Target = perRuleShare * r.Truth
	return r
}

func slope(points []Result, y func(Result) float64) float64 {
	var mx, my, sxy, sxx float64
	for i, p := range points {
		mx += float64(walked[i]) / float64(len(points))
		my += y(p) / float64(len(points))
	}
	for i, p := range points {
		dx := float64(walked[i]) - mx
		sxy += dx * (y(p) - my)
		sxx += dx * dx
	}
	return sxy / sxx
}
