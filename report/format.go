package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// none stands in tables for a value that is unknown.
const none = "–"

// percent formats a share in percent with two significant digits from 1 % on, and two decimals below: "0.04", "2.4",
// "12".
func percent(share float64) string {
	v := 100 * share
	switch a := math.Abs(v); {
	case a >= 99.5:
		return minus(fmt.Sprintf("%.0f", v))
	case a >= 0.995:
		return minus(fmt.Sprintf("%.1f", v))
	default:
		return minus(fmt.Sprintf("%.2f", v))
	}
}

// fixed formats a share in percent with two decimals, for columns.
func fixed(share float64) string { return minus(fmt.Sprintf("%.2f", 100*share)) }

// signed is fixed with a sign, for changes.
func signed(v float64) string {
	if s := fixed(v); v < 0 || s == "0.00" {
		return s
	}
	return "+" + fixed(v)
}

// minus replaces a hyphen by a minus sign, and removes it from a zero.
func minus(s string) string {
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		if strings.Trim(rest, "0.") == "" {
			return rest
		}
		return "−" + rest
	}
	return s
}

// intervalText formats an interval of shares in percent: "1.97 to 2.51".
func intervalText(i Interval) string {
	if !i.known() {
		return none
	}
	return fixed(i.Low) + " to " + fixed(i.High)
}

// lossText formats a loss with its interval: "2.24 % (1.97 to 2.51)". A leading ~ marks one that may be noise.
func lossText(c *Cell) string {
	switch {
	case c.absurd():
		return "cannot tell"
	case !c.CI.known():
		return maybe(c.Significant) + fixed(c.Loss) + " %"
	}
	return fmt.Sprintf("%s%s %% (%s)", maybe(c.Significant), fixed(c.Loss), intervalText(c.CI))
}

// maybe marks a figure that may be noise.
func maybe(significant bool) string {
	if significant {
		return ""
	}
	return "~ "
}

func fixedIfKnown(share *float64) string {
	if share == nil {
		return none
	}
	return fixed(*share)
}

func nanosIfKnown(ns *float64) string {
	if ns == nil {
		return none
	}
	return text.Duration(*ns)
}

func pointsIfKnown(share *float64) string {
	if share == nil {
		return none
	}
	return signed(*share)
}

// slopeText formats the cost of a rule with its interval, both in one unit: "189 ns (185.0 to 193.2)".
func slopeText(l *Line) string {
	divisor, decimals := 1.0, 1
	for v := math.Abs(l.Slope); v >= 999.5 && divisor < 1e9; v /= 1000 {
		divisor, decimals = divisor*1000, 2
	}
	end := func(ns float64) string { return minus(strconv.FormatFloat(ns/divisor, 'f', decimals, 64)) }
	return fmt.Sprintf("%s (%s to %s)", minus(text.Duration(l.Slope)), end(l.SlopeCI.Low), end(l.SlopeCI.High))
}

// quantileText formats a quantile, which comes from a histogram, with two digits.
func quantileText(ns float64) string {
	if ns <= 0 {
		return none
	}
	return text.Rough(ns)
}

// perOperation formats a number of calls in an operation.
func perOperation(calls float64) string {
	if calls >= 0.01 {
		return strconv.FormatFloat(calls, 'f', 2, 64)
	}
	return strconv.FormatFloat(calls, 'g', 2, 64)
}

// short shortens a name to n columns.
func short(s string, n int) string { return text.Shorten(s, n) }

func pText(v float64) string {
	if v < 0.001 {
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", v)
}

// mostDetectable is the largest "smallest loss that would have shown" that is worth a figure.
const mostDetectable = 0.5

// detectableText formats the smallest loss that would have shown.
func detectableText(share float64) string {
	if share > mostDetectable {
		return "cannot tell"
	}
	return fixed(share)
}
