package text

import (
	"strings"
	"unicode/utf8"
)

// ASCII spells s without characters beyond ASCII, for a terminal whose character set is not UTF-8: µs becomes us, a
// dash becomes a hyphen, and letters that have no such spelling become question marks. Only the code that writes to a
// terminal needs it: everything else is UTF-8.
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return '?'
	}, spelled.Replace(s))
}

var spelled = strings.NewReplacer(
	"µ", "u", "−", "-", "–", "-", "—", "-", "…", "...", "×", "x", "±", "+-", "≥", ">=", "≤", "<=", "→", "->", "·",
	"-",
	"│", "|", "─", "-", "▲", "^", "▼", "v", "↑", "^", "↓", "v",
)
