package text

import "strings"

// Wrap breaks s between words into lines of at most width columns of a terminal, and puts indent before all lines but
// the first. The indent adds to the width. A word that is wider than a line is not broken. Width 0 breaks nothing.
func Wrap(s string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for n, word := range strings.Fields(s) {
		w := Width(word)
		switch {
		case n == 0:
		case width > 0 && column+1+w > width:
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += w
	}
	return b.String()
}

// WrapProse breaks the lines of s that are sentences as [Wrap] does, with an indent of two columns. Lines with two
// spaces in a row stay as they are: they belong to tables.
func WrapProse(s string, width int) string {
	const indent = "  "
	if width <= len(indent) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if !strings.Contains(line, indent) {
			lines[i] = Wrap(line, width-len(indent), indent)
		}
	}
	return strings.Join(lines, "\n")
}
