package rundir

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// A machine is a model of how a machine's speed varies. It is used by one bench at a time.
type machine interface {
	// speed returns the logarithm of the speed during a slice at time t, in s.
	speed(rng *rand.Rand, t float64) float64
}

// noise draws the speed of each slice independently.
type noise func(*rand.Rand) float64

func (n noise) speed(rng *rand.Rand, _ float64) float64 { return n(rng) }

func normalNoise(sigma float64) noise {
	return func(rng *rand.Rand) float64 { return sigma * rng.NormFloat64() }
}

// spikes slow some slices down by up to size.
func spikes(share, size float64) noise {
	return func(rng *rand.Rand) float64 {
		x := 0.005 * rng.NormFloat64()
		if rng.Float64() < share {
			x -= size * rng.Float64()
		}
		return x
	}
}

// wandering is an Ornstein-Uhlenbeck process with time constant tau, in s, and noise of 0.3 % in each slice.
type wandering struct{ sigma, tau, last, x float64 }

func (m *wandering) speed(rng *rand.Rand, t float64) float64 {
	a := math.Exp(-(t - m.last) / m.tau)
	m.x = a*m.x + m.sigma*math.Sqrt(1-a*a)*rng.NormFloat64()
	m.last = t
	return m.x + 0.003*rng.NormFloat64()
}

// neighbour is another process that slows the machine down by size while it runs.
type neighbour struct {
	size, on, off float64 // on and off: mean durations in s
	running       bool
	until         float64
}

func (m *neighbour) speed(rng *rand.Rand, t float64) float64 {
	for m.until < t {
		m.running = !m.running
		mean := m.off
		if m.running {
			mean = m.on
		}
		m.until += mean * rng.ExpFloat64()
	}
	x := 0.003 * rng.NormFloat64()
	if m.running {
		x -= m.size
	}
	return x
}

// drift gets faster evenly, by perMinute.
type drift struct{ perMinute float64 }

func (m drift) speed(rng *rand.Rand, t float64) float64 {
	return m.perMinute*t/60 + 0.003*rng.NormFloat64()
}

// machineModels are the kinds of noise for which the statistics must hold.
var machineModels = []struct {
	name   string
	make   func() machine
	copies float64 // spread of the speeds of the copies of a test
}{
	{"normal, 0.5 % a slice", func() machine { return normalNoise(0.005) }, 0},
	{"normal, copies 0.3 % apart", func() machine { return normalNoise(0.005) }, 0.003},
	{
		"exponential slowdowns of 1 %",
		func() machine { return noise(func(r *rand.Rand) float64 { return -0.01 * r.ExpFloat64() }) }, 0,
	},
	{"log-normal slowdowns, σ 1.5", func() machine {
		return noise(func(r *rand.Rand) float64 { return -0.003 * math.Exp(1.5*r.NormFloat64()) })
	}, 0},
	{"log-normal slowdowns, σ 2", func() machine {
		return noise(func(r *rand.Rand) float64 { return -0.001 * math.Exp(2*r.NormFloat64()) })
	}, 0},
	{"5 % of slices up to 20 % slower", func() machine { return spikes(0.05, 0.2) }, 0},
	{"1 % of slices up to 50 % slower", func() machine { return spikes(0.01, 0.5) }, 0},
	{"wandering by 2 % within 5 s", func() machine { return &wandering{sigma: 0.02, tau: 5} }, 0},
	{"wandering by 2 % within 0.3 s", func() machine { return &wandering{sigma: 0.02, tau: 0.3} }, 0},
	{"a neighbour, 20 % for 2 of 22 s", func() machine { return &neighbour{size: 0.2, on: 2, off: 20} }, 0},
	{"a neighbour, 30 % for 0.3 of 3.3 s", func() machine { return &neighbour{size: 0.3, on: 0.3, off: 3} }, 0},
	{"drift of 5 % a minute", func() machine { return drift{0.05} }, 0},
}

// simulatedPlan has scenarios that differ in the namespace only, or in what is attached, as those of the reference
// enforcer do.
func simulatedPlan(tests, scenarios, runs int, switched bool, seed uint64) *Plan {
	p := &Plan{
		Order: Interleaved, Seed: seed, Runs: runs, Slice: 50 * time.Millisecond,
		Warmup: 12 * time.Millisecond,
	}
	for i := range tests {
		p.Tests = append(p.Tests, Test{Name: fmt.Sprintf("t%d", i), Unit: "lps", Kind: BuiltIn})
	}
	p.Scenarios = SameScenarios(scenarios + 1)
	if switched {
		all := []Scenario{{Name: "not-installed", State: Removed}}
		for i := range scenarios {
			all = append(all, Scenario{
				Name: fmt.Sprintf("s%d", i), State: Installed, Confined: true,
				Rules: rules.Rules{File: i},
			})
		}
		p.Scenarios = WithSecondBaseline(all)
	}
	return p
}

// simulate measures in the plan's own order on a machine. A scenario's true loss in a test is that of loss, by index.
func simulate(p *Plan, rng *rand.Rand, m machine, copies float64, rounds int,
	loss func(test, scenario int) float64,
) []Result {
	const slice, warmup, switching = 0.05, 0.012, 1.0 // s
	var out []Result
	t := 0.0
	for b, batch := range p.Batches() {
		speeds := make([][]float64, len(batch)) // of the copies
		for i := range batch {
			speeds[i] = make([]float64, len(p.Scenarios))
			for k := range speeds[i] {
				speeds[i][k] = copies * rng.NormFloat64()
			}
		}
		for n := range rounds {
			r := p.Round(b, n)
			results := make([]Result, len(batch)*len(p.Scenarios))
			for i := range results {
				results[i] = Result{
					Batch: b, Round: n, Test: batch[i/len(p.Scenarios)].Name,
					Scenario: p.Scenarios[i%len(p.Scenarios)].Name,
				}
			}
			for i, phase := range r.Phases {
				if i > 0 && r.Phases[i-1].State != phase.State {
					t += switching
				}
				for _, turn := range r.Turns(p, batch, phase) {
					t += slice + warmup
					x := m.speed(rng, t) + speeds[turn.Test][turn.Slot]
					if turn.Lead {
						continue
					}
					ops := 1e5 * math.Exp(x) * (1 - loss(turn.Test, turn.Scenario))
					res := &results[turn.Test*len(p.Scenarios)+turn.Scenario]
					res.Ops, res.Ns = res.Ops+ops, res.Ns+slice*1e9
					res.Slices = append(res.Slices, [2]float64{ops, slice * 1e9})
				}
			}
			out = append(out, results...)
		}
	}
	return out
}

func noLoss(int, int) float64 { return 0 }
