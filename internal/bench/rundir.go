package bench

import "github.com/lsmprof/lsmprof/internal/rundir"

// What a run directory holds is package rundir's, which needs no kernel: the report reads it, too.
type (
	Info      = rundir.Info
	Machine   = rundir.Machine
	Plan      = rundir.Plan
	Round     = rundir.Round
	Phase     = rundir.Phase
	Turn      = rundir.Turn
	Scenario  = rundir.Scenario
	State     = rundir.State
	Step      = rundir.Step
	Expect    = rundir.Expect
	Test      = rundir.Test
	Kind      = rundir.Kind
	Result    = rundir.Result
	InForce   = rundir.InForce
	Around    = rundir.Around
	Analysis  = rundir.Analysis
	Cell      = rundir.Cell
	Noise     = rundir.Noise
	Index     = rundir.Index
	RuleCost  = rundir.RuleCost
	Explained = rundir.Explained
)

const (
	RunSchema   = rundir.RunSchema
	Interleaved = rundir.Interleaved
	Sequential  = rundir.Sequential
	Removed     = rundir.Removed
	Installed   = rundir.Installed
	BuiltIn     = rundir.BuiltIn
	Real        = rundir.Real
	Command     = rundir.Command
	Plain       = rundir.Plain
	TwinName    = rundir.TwinName
	Neighbour   = rundir.Neighbour
)
