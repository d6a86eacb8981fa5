package text

import (
	"io"
	"slices"
	"strings"
)

// Table aligns columns for people. The zero value is an empty table; it is not safe for concurrent use.
type Table struct {
	// Header names the columns. A column whose header begins with "<" is aligned to the left, any other to the
	// right.
	Header []string
	// Drop lists headers of columns that are left out, one after the other, if a line does not fit otherwise.
	Drop []string
	rows [][]string
	fit  int
}

// Add appends a row, which must have one cell for each column. Characters that cannot be displayed are replaced as by
// Printable.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Printable(c)
	}
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Fit makes a line take at most width columns of a terminal: Print leaves out the columns of Drop, and then shortens
// the cells of left-aligned columns, the widest first. A column keeps at least minFit columns and its header, so a line
// can still be wider. Width 0 shortens nothing.
func (t *Table) Fit(width int) { t.fit = width }

// minFit is what a shortened name needs to be recognized.
const minFit = 8

// gap separates two columns.
const gap = "  "

// Print writes the header and the rows to w.
func (t *Table) Print(w io.Writer) error {
	_, err := io.WriteString(w, t.String())
	return err
}

// String returns what Print writes.
func (t *Table) String() string {
	header := make([]string, len(t.Header))
	left := make([]bool, len(t.Header))
	for i, h := range t.Header {
		header[i], left[i] = strings.CutPrefix(h, "<")
	}
	lines := append([][]string{header}, t.rows...)
	width := make([]int, len(header))
	for _, cells := range lines {
		for i, c := range cells {
			width[i] = max(width[i], Width(c))
		}
	}
	dropped := make([]bool, len(header))
	if t.fit > 0 {
		t.drop(width, header, dropped)
		narrow(width, left, header, t.fit)
	}
	var b strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		for i, c := range cells {
			if dropped[i] {
				continue
			}
			c = Shorten(c, width[i])
			pad := strings.Repeat(" ", width[i]-Width(c))
			if left[i] {
				line.WriteString(c + pad + gap)
			} else {
				line.WriteString(pad + c + gap)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// drop marks columns as dropped until the others fit into a line, and sets their width to -len(gap), so that they take
// no room.
func (t *Table) drop(width []int, header []string, dropped []bool) {
	for _, name := range t.Drop {
		if lineWidth(width) <= t.fit {
			return
		}
		if i := slices.Index(header, name); i >= 0 {
			dropped[i], width[i] = true, -len(gap)
		}
	}
}

// lineWidth returns how wide a line is whose columns have these widths.
func lineWidth(width []int) int {
	total := -len(gap)
	for _, w := range width {
		total += w + len(gap)
	}
	return total
}

// narrow takes columns off the widest left-aligned column until all fit into a line.
func narrow(width []int, left []bool, header []string, limit int) {
	total := lineWidth(width)
	for ; total > limit; total-- {
		widest := -1
		for i, w := range width {
			if left[i] && w > max(minFit, Width(header[i])) && (widest < 0 || w > width[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		width[widest]--
	}
}
