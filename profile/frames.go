package profile

import (
	"math"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Names of the sample types of a profile. The default is HookTime.
const (
	sampleCalls   = "calls"
	sampleDenials = "denials"
	BodyTime      = "body_time" // ns in the programs
	HookTime      = "hook_time" // ns in the programs and in reaching them
)

// Indices of the values of a sample.
const (
	valueCalls = iota
	valueDenials
	valueBody
	valueHook
	valueCount
)

// sampleTypes returns the types of the values, in the order of their indices.
func sampleTypes() []*pprof.ValueType {
	return []*pprof.ValueType{
		{Type: sampleCalls, Unit: "count"},
		{Type: sampleDenials, Unit: "count"},
		{Type: BodyTime, Unit: "nanoseconds"},
		{Type: HookTime, Unit: "nanoseconds"},
	}
}

// Levels of a stack, from the root. The name of a frame is its level, a dot and the name of the thing: hook.file_open.
// pprof takes what precedes the dot for a package. It gives each package a colour, and drops it where space is short.
const (
	LevelWorkload = "workload"
	LevelRules    = "rules"
	LevelSyscall  = "syscall"
	LevelHook     = "hook"
	LevelProgram  = "program"
	LevelFunction = "function" // in a program
	LevelLine     = "line"     // of a function in a program
	LevelHelper   = "helper"   // function of the kernel that a line called
)

// Leaves of a stack.
const (
	leafBody     = "cost.program body"
	leafDispatch = "kernel.dispatch"
	// leafDenied holds the calls that were denied. Their time is part of the other leaves, because it is not
	// measured separately.
	leafDenied = "outcome.denied"
)

// FrameName returns the name of a frame of a level: hook.file_open.
func FrameName(level, name string) string { return level + "." + text.Printable(name) }

// rulesFrame returns the frame of a number of rules: rules.8 rules.
func rulesFrame(rules int) string {
	if rules == RulesUnknown {
		return FrameName(LevelRules, "unknown")
	}
	return FrameName(LevelRules, text.Plural(rules, "rule"))
}

// leaf is a part of a sample with its own frame.
type leaf struct {
	frame  string
	values [valueCount]float64
}

// leavesOf divides the values of a row among the leaves, so that they add up to the rounded values. Leaves without
// values are left out.
func leavesOf(values [valueCount]float64) []leaf {
	for i := range values {
		values[i] = math.Round(values[i])
	}
	denied := min(values[valueDenials], values[valueCalls])
	body := min(values[valueBody], values[valueHook])
	var out []leaf
	for _, l := range []leaf{
		{leafBody, [valueCount]float64{values[valueCalls] - denied, 0, values[valueBody], body}},
		{leafDispatch, [valueCount]float64{valueHook: values[valueHook] - body}},
		{leafDenied, [valueCount]float64{denied, values[valueDenials], 0, 0}},
	} {
		if l.values != [valueCount]float64{} {
			out = append(out, l)
		}
	}
	return out
}
