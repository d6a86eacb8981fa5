// Package yamlerr names the line of a mistake in YAML. The YAML package leaves it out where an alias has no anchor, and
// where a tab indents a line it names the line before.
package yamlerr

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

var (
	syntaxError   = regexp.MustCompile(`^line (\d+): (.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	indentingTab  = regexp.MustCompile(`^ *\t`)
	lineBreak     = regexp.MustCompile(`\s*\n\s*`)
)

// Line returns the line that an error of the YAML package is about, 1 if the error does not tell, and what is wrong
// there, in one line and in words that say what to do.
func Line(data []byte, err error) (line int, what string) {
	what = text.Clean(lineBreak.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), " "), 300, "")
	line = 1
	if m := syntaxError.FindStringSubmatch(what); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = m[2]
	}
	switch m := unknownAnchor.FindStringSubmatch(what); {
	case m != nil:
		alias := regexp.MustCompile(`(^|[\s\[{,:])\*` + regexp.QuoteMeta(m[1]) + `($|[\s\]},:])`)
		return max(1, first(data, 1, alias)), "the alias *" + m[1] + " has no anchor &" + m[1] + " before it"
	case strings.Contains(what, "found a tab character"), strings.Contains(what,
		"found character that cannot start"):
		if at := first(data, line, indentingTab); at > 0 {
			return at, "a tab indents this line: indent with spaces"
		}
	}
	return line, what
}

// first returns the number of the first line from the given one on that matches, or the given one.
func first(data []byte, from int, match *regexp.Regexp) int {
	n := 0
	for line := range bytes.Lines(data) {
		if n++; n >= from && match.Match(line) {
			return n
		}
	}
	return 0
}
