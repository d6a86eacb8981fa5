package text

import (
	"math"
	"strconv"
	"strings"
)

// Duration formats a time given in ns with three digits and a unit: "166 ns", "1.23 µs", "45.6 ms", "2.10 s". Below 10
// ns it keeps one decimal unless that is zero: "1.5 ns", "7 ns". There is no unit above seconds.
func Duration(ns float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	unit := 0
	for ; math.Abs(ns) >= 999.5 && unit < len(units)-1; unit++ {
		ns /= 1000
	}
	if unit > 0 {
		return Digits(ns) + " " + units[unit]
	}
	decimals := 0
	if math.Abs(ns) < 9.95 {
		decimals = 1
	}
	return strings.TrimSuffix(fixed(ns, decimals), ".0") + " ns"
}

// Rough formats a time given in ns as Duration does, but with two digits, which is what a quantile from a histogram is
// worth: "170 ns", "1.2 µs", "46 ms".
func Rough(ns float64) string {
	if a := math.Abs(ns); a >= 9.95 {
		unit := math.Pow10(int(math.Floor(math.Log10(a))) - 1)
		ns = math.Round(ns/unit) * unit
	}
	s := Duration(ns)
	// Duration has three digits, of which the last is a zero now.
	number, unit, _ := strings.Cut(s, " ")
	if unit != "ns" && strings.Contains(number, ".") && len(strings.Trim(number, "-.")) >= 3 {
		number = strings.TrimSuffix(strings.TrimSuffix(number, "0"), ".")
	}
	return number + " " + unit
}

// Digits formats v with three significant digits and at most two decimals: "0.12", "3.84", "45.6", "166".
func Digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return fixed(v, 0)
	case a >= 9.995:
		return fixed(v, 1)
	}
	return fixed(v, 2)
}

// Thousands formats n with commas between groups of three digits: "1,234,567".
func Thousands[N ~int | ~int64 | ~uint32 | ~uint64](n N) string {
	var digits string
	if n < 0 {
		digits = strconv.FormatInt(int64(n), 10)
	} else {
		digits = strconv.FormatUint(uint64(n), 10)
	}
	return group(digits)
}

// group inserts the commas of Thousands into a whole number.
func group(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// Number formats v with four significant digits, or as a whole number with commas from 1,000 on: "0.1234", "12.5",
// "541,203".
func Number(v float64) string {
	if math.Abs(v) < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return group(fixed(v, 0))
}

// Percent formats a share, where 1 is everything, with two decimals below 10 % and one above: "0.39 %", "81.1 %".
func Percent(share float64) string { return percent(share) + " %" }

// PercentInterval formats a share with the ends of its confidence interval: "2.24 % (1.97 to 2.51)".
func PercentInterval(share, low, high float64) string {
	return Percent(share) + " (" + percent(low) + " to " + percent(high) + ")"
}

func percent(share float64) string {
	if v := 100 * share; math.Abs(v) >= 9.995 {
		return fixed(v, 1)
	}
	return fixed(100*share, 2)
}

// fixed formats v with the given decimals, and a value that rounds to zero without a sign.
func fixed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if rest, negative := strings.CutPrefix(s, "-"); negative && strings.Trim(rest, "0.") == "" {
		return rest
	}
	return s
}

// Plural formats a number with its noun, which takes an s unless the number is 1: "1 run", "1,200 runs".
func Plural[N ~int | ~int64 | ~uint32 | ~uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}
