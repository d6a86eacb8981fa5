package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is aligned columns for people. Columns whose header begins with `<` are aligned left, all others right.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer) error {
	width := make([]int, len(t.header))
	left := make([]bool, len(t.header))
	header := make([]string, len(t.header))
	for i, h := range t.header {
		header[i], left[i] = strings.CutPrefix(h, "<")
	}
	lines := append([][]string{header}, t.rows...)
	for _, cells := range lines {
		for i := range cells {
			cells[i] = visible(cells[i])
			width[i] = max(width[i], utf8.RuneCountInString(cells[i]))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if !left[i] {
				cell, pad = pad, cell
			}
			line.WriteString(cell + pad + "  ")
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// visible replaces what could upset a terminal: names of processes are under the control of whoever runs them.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// nanos is a duration with three digits and its unit: 166 ns, 1.23 us, 45.6 ms, 2.10 s.
func nanos(ns float64) string {
	units := []string{"ns", "us", "ms", "s"}
	unit := 0
	for ; ns >= 999.5 && unit < len(units)-1; unit++ {
		ns /= 1000
	}
	return digits(ns, unit > 0) + " " + units[unit]
}

// digits is a number with three digits; without a fraction where whole is all there can be.
func digits(v float64, fraction bool) string {
	switch {
	case !fraction || v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// count is a number with its thousands set apart: 1,234,567.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent is a percentage with two digits after the point below 10: 81.1 %, 0.39 %.
func percent(p float64) string {
	if p < 9.995 {
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}
