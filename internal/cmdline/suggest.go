package cmdline

import (
	"fmt"
	"strings"
)

// DidYouMean returns ` (did you mean "openat"?)` for a misspelled word, to be appended to an error, or "" if no
// candidate is within two edits of it.
func DidYouMean(word string, candidates []string) string { return didYouMean(word, candidates, "") }

func didYouMean(word string, candidates []string, prefix string) string {
	best := closest(word, candidates)
	switch {
	case best == "":
		return ""
	case prefix != "":
		return fmt.Sprintf(" (did you mean %s%s?)", prefix, best)
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// closest returns the candidate that takes the fewest edits, else the only one that begins with the word, else "".
func closest(word string, candidates []string) (best string) {
	const maxEdits = 2
	least := maxEdits + 1
	var longer []string
	for _, c := range candidates {
		if d := edits(word, c); d < least && 2*d < len(word) {
			best, least = c, d
		}
		if len(word) >= 3 && strings.HasPrefix(c, word) {
			longer = append(longer, c)
		}
	}
	if best == "" && len(longer) == 1 {
		return longer[0]
	}
	return best
}

// edits returns the number of characters to insert, delete, replace, or swap with their neighbor to make a into b.
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	var before []int // the row before the previous one
	previous := make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range s {
		row := make([]int, len(t)+1)
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, previous[j+1]+1, previous[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, previous = previous, row
	}
	return previous[len(t)]
}
