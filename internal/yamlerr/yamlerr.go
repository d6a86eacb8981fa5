// Package yamlerr names the line of a mistake in YAML. The YAML package leaves it out where an alias has no anchor, and
// where a tab indents a line it names the line before.
package yamlerr

import (
	"bytes"
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/text"
)

var (
	syntaxError   = regexp.MustCompile(`^line (\d+): (.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	indentingTab  = regexp.MustCompile(`^ *\t`)
	duplicate     = regexp.MustCompile(`^mapping key (".*") already defined at line (\d+)$`)
	wrongType     = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `.*`)? into (\\S+)")
	lineBreak     = regexp.MustCompile(`\s*\n\s*`)
)

// Line returns the line that an error of the YAML package is about, 1 if the error does not tell, and what is wrong
// there, in one line and in words that say what to do.
func Line(data []byte, err error) (line int, what string) {
	message := err.Error()
	if types := new(yaml.TypeError); errors.As(err, &types) && len(types.Errors) > 0 {
		message = types.Errors[0]
	}
	what = text.Clean(lineBreak.ReplaceAllString(strings.TrimPrefix(message, "yaml: "), " "), 300, "")
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
	if m := duplicate.FindStringSubmatch(what); m != nil {
		return line, "the key " + m[1] + " is also in line " + m[2] + ": remove one of them"
	}
	if m := wrongType.FindStringSubmatch(what); m != nil {
		return line, "this is " + cmp.Or(tagNames[m[1]], m[1]) + ", and must be " + wanted(m[2])
	}
	return line, what
}

// tagNames are the types of YAML, by their tags.
var tagNames = map[string]string{
	"seq": "a list", "map": "a mapping", "str": "a text", "int": "a number", "float": "a number",
	"bool": "a boolean", "null": "nothing",
}

// wanted returns what YAML calls a type of Go.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"), strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	}
	return "a mapping, as in `key: value`"
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
