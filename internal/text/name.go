package text

import (
	"strings"
	"unicode"
)

// Printable replaces every character of s that cannot be displayed by a question mark. Processes choose their own
// names, so a name may hold escape sequences for a terminal or bytes that are not UTF-8.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// PrintableLines is Printable for text that may have several lines and tabs, such as an error: it may repeat what a
// file, a process or a server says.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// Clean is Printable for text from an untrusted source: it also replaces the given characters, and cuts s after limit
// characters with an ellipsis.
func Clean(s string, limit int, without string) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // invalid UTF-8 decodes to the replacement character
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) || strings.ContainsRune(without, r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Shorten cuts s in the middle to at most width columns of a terminal, because names that share a beginning often
// differ at the end: "kube-system/kube-pr…/proxy".
func Shorten(s string, width int) string {
	s = Printable(s)
	if Width(s) <= width {
		return s
	}
	if width < 2 {
		return strings.Repeat("…", max(width, 0))
	}
	runes := []rune(s)
	tail := (width - 1) / 3
	end := len(runes)
	for n := 0; end > 0 && n+runeWidth(runes[end-1]) <= tail; end-- {
		n += runeWidth(runes[end-1])
	}
	head := width - 1 - Width(string(runes[end:]))
	return Cut(s, head) + "…" + string(runes[end:])
}

// Cut returns the longest beginning of s that fits into width columns of a terminal.
func Cut(s string, width int) string {
	for i, r := range s {
		if width -= runeWidth(r); width < 0 {
			return s[:i]
		}
	}
	return s
}

// List joins names as in a sentence: "a", "a and b", "a, b and c".
func List(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
