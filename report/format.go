package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// percent is a share with two significant digits below 10 %, and no more than two decimals: 0.04, 2.4, 12.
func percent(share float64) string {
	v := 100 * share
	switch a := math.Abs(v); {
	case a >= 99.5:
		return trimZero(fmt.Sprintf("%.0f", v))
	case a >= 0.995:
		return trimZero(fmt.Sprintf("%.1f", v))
	default:
		return trimZero(fmt.Sprintf("%.2f", v))
	}
}

// fixed is a share in percent with two decimals, for columns.
func fixed(share float64) string { return trimZero(fmt.Sprintf("%.2f", 100*share)) }

// trimZero takes the sign off a zero.
func trimZero(s string) string {
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		if strings.Trim(rest, "0.") == "" {
			return rest
		}
		return "−" + rest
	}
	return s
}

func interval(i stats.Interval) string { return percent(i.Low) + ".." + percent(i.High) }

// known says whether there is an interval at all: one round has none.
func known(i stats.Interval) bool { return i.Half() < 1 }

func fixedInterval(i stats.Interval) string {
	if !known(i) {
		return "–"
	}
	return fixed(i.Low) + ".." + fixed(i.High)
}

// nanos is a time with three digits and its unit.
func nanos(ns float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	unit := 0
	for ; math.Abs(ns) >= 999.5 && unit < len(units)-1; unit++ {
		ns /= 1000
	}
	switch a := math.Abs(ns); {
	case unit == 0 && a >= 9.95, a >= 99.95:
		return trimZero(fmt.Sprintf("%.0f", ns)) + " " + units[unit]
	case a >= 9.995 || unit == 0:
		return trimZero(fmt.Sprintf("%.1f", ns)) + " " + units[unit]
	}
	return trimZero(fmt.Sprintf("%.2f", ns)) + " " + units[unit]
}

// unknown stands where nothing is known.
const unknown = "–"

func fixedIfKnown(share *float64) string {
	if share == nil {
		return unknown
	}
	return fixed(*share)
}

func nanosIfKnown(ns *float64) string {
	if ns == nil {
		return unknown
	}
	return nanos(*ns)
}

// number has four significant digits, and its thousands apart.
func number(v float64) string {
	if math.Abs(v) < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	var b strings.Builder
	for i, r := range digits {
		if n := len(digits) - i; i > 0 && n%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// per counts calls in an operation.
func per(calls float64) string {
	if calls >= 0.01 {
		return strconv.FormatFloat(calls, 'f', 2, 64)
	}
	return strconv.FormatFloat(calls, 'g', 2, 64)
}

// short cuts a name to so many characters, in the middle: names that differ usually do at an end.
func short(s string, n int) string {
	s = printable(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	tail := (n - 1) / 3
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}

// printable replaces what no font has: names of tests and containers may hold anything.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// list joins names as a sentence does.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
