package top

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// column is a column of the table. One without compare cannot sort it.
type column struct {
	header  string
	width   int
	text    func(*row) string
	compare func(a, b *row) int
}

// sparkParts is into how many parts LAST MINUTE divides the minute.
const sparkParts = 20

// Indexes into columns.
const (
	columnName = iota
	columnCalls
	columnCPU
	columnMean
	columnP50
	columnP99
	columnRules
	columnDenied
	columnMinute
)

var columns = []column{
	columnName:   {"", 0, func(r *row) string { return r.Name }, byName},
	columnCalls:  descending("CALLS/S", 9, func(r *row) float64 { return r.calls }, rate),
	columnCPU:    descending("CPU", 8, func(r *row) float64 { return r.share }, text.Percent),
	columnMean:   descending("MEAN", 7, func(r *row) float64 { return r.Mean() }, durationOrNone),
	columnP50:    descending("P50", 7, func(r *row) float64 { return r.Quantile(0.5) }, roughOrNone),
	columnP99:    descending("P99", 7, func(r *row) float64 { return r.Quantile(0.99) }, roughOrNone),
	columnRules:  {"RULES", 7, func(r *row) string { return cmp.Or(costtable.RuleRange(r.Rules), "-") }, byRules},
	columnDenied: descending("DENIED/S", 9, func(r *row) float64 { return r.denials }, rate),
	columnMinute: {"LAST MINUTE", sparkParts, func(r *row) string { return sparkline(r.history) }, nil},
}

// dropOrder is the order in which columns are dropped on a narrow terminal. The name and the share of a CPU stay.
var dropOrder = []int{columnMinute, columnP50, columnDenied, columnRules, columnP99, columnMean, columnCalls}

func descending(header string, width int, value func(*row) float64, format func(float64) string) column {
	return column{
		header, width,
		func(r *row) string { return format(value(r)) },
		func(a, b *row) int { return cmp.Compare(value(b), value(a)) },
	}
}

func byName(a, b *row) int { return cmp.Compare(a.Name, b.Name) }

func byRules(a, b *row) int { return cmp.Compare(mostRules(b), mostRules(a)) }

func durationOrNone(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return text.Duration(ns)
}

func roughOrNone(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return text.Rough(ns)
}

// rate formats a number per second, with a decimal if it is small.
func rate(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return text.Thousands(uint64(v + 0.5))
}

func mostRules(r *row) int {
	if len(r.Rules) == 0 {
		return profile.RulesUnknown
	}
	return r.Rules[len(r.Rules)-1]
}

// sparkline draws values against their maximum. A space stands for an unknown value.
func sparkline(values []float64) string {
	const levels = "▁▂▃▄▅▆▇█"
	steps := []rune(levels)
	var most float64
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case v < 0:
			b.WriteRune(' ')
		case v == 0:
			b.WriteRune(steps[0])
		default:
			b.WriteRune(steps[min(1+int(v/most*float64(len(steps)-1)), len(steps)-1)])
		}
	}
	return b.String()
}
