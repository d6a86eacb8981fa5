package cli

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// topColumn is a column of top. Those that sort have compare.
type topColumn struct {
	header  string
	width   int
	text    func(*topRow) string
	compare func(a, b *topRow) int
}

// topSpark is how many parts of the last minute are shown.
const topSpark = 20

// Places in topColumns.
const (
	topName = iota
	topCalls
	topCPU
	topMean
	topP50
	topP99
	topRules
	topDenied
	topMinutes
)

var topColumns = []topColumn{
	topName:    {"", 0, func(r *topRow) string { return r.Name }, func(a, b *topRow) int { return cmp.Compare(a.Name, b.Name) }},
	topCalls:   descending("CALLS/S", 9, func(r *topRow) float64 { return r.calls }, rate),
	topCPU:     descending("CPU", 8, func(r *topRow) float64 { return r.share }, func(v float64) string { return text.Percent(v) }),
	topMean:    descending("MEAN", 7, func(r *topRow) float64 { return r.Mean() }, nanosOrNone),
	topP50:     descending("P50", 7, func(r *topRow) float64 { return r.Quantile(0.5) }, nanosOrNone),
	topP99:     descending("P99", 7, func(r *topRow) float64 { return r.Quantile(0.99) }, nanosOrNone),
	topRules:   {"RULES", 7, func(r *topRow) string { return ruleRange(r.Rules) }, func(a, b *topRow) int { return cmp.Compare(mostRules(b), mostRules(a)) }},
	topDenied:  descending("DENIED/S", 8, func(r *topRow) float64 { return r.denials }, rate),
	topMinutes: {"LAST MINUTE", topSpark, func(r *topRow) string { return sparkline(r.history) }, nil},
}

// topDrops is the order in which columns go when the terminal is narrow. The name and the share of a CPU stay.
var topDrops = []int{topMinutes, topP50, topDenied, topRules, topP99, topMean, topCalls}

func descending(header string, width int, value func(*topRow) float64, text func(float64) string) topColumn {
	return topColumn{
		header, width,
		func(r *topRow) string { return text(value(r)) },
		func(a, b *topRow) int { return cmp.Compare(value(b), value(a)) },
	}
}

func nanosOrNone(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return text.Duration(ns)
}

// rate is a number per second: with a fraction where it is small.
func rate(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return text.Thousands(uint64(v + 0.5))
}

// ruleRange is the least and the greatest of several rule counts; ? stands for those that are unknown.
func ruleRange(counts []int) string {
	known := counts
	text := ""
	if len(known) > 0 && known[0] == profile.RulesUnknown {
		known, text = known[1:], "?"
	}
	switch len(known) {
	case 0:
		return cmp.Or(text, "-")
	case 1:
		return strconv.Itoa(known[0]) + text
	}
	return strconv.Itoa(known[0]) + "-" + strconv.Itoa(known[len(known)-1]) + text
}

func mostRules(r *topRow) int {
	if len(r.Rules) == 0 {
		return profile.RulesUnknown
	}
	return r.Rules[len(r.Rules)-1]
}

// sparkline draws values against the greatest of them; a space is where none is known.
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
