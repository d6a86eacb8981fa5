// Package doctest runs the commands that README.md and docs/ show, and compares what they print with what the pages
// say.
//
// A fenced block marked `console` is a session: lines that begin with `$ ` are commands, the lines behind a command are
// its output, and a line `…` stands for any lines. Commands that need neither root nor a kernel run on the host, and
// their output is compared word by word. All others run in a guest beside the reference enforcer; there numbers and
// the order of the lines behind the first may differ. Any other block is not run.
package doctest

import (
	"fmt"
	"regexp"
	"strings"
)

// command is one command of a page with the output that the page shows.
type command struct {
	page string
	line int // of the command, from 1
	text string
	want []string
}

func (c command) String() string { return fmt.Sprintf("%s:%d: $ %s", c.page, c.line, c.text) }

// commands returns what the console blocks of a page run.
func commands(page, text string) ([]command, error) {
	var all []command
	inside := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case !inside && strings.TrimSpace(line) == "```console":
			inside = true
			all = append(all, command{}) // output must not continue that of the block before
		case inside && strings.TrimSpace(line) == "```":
			inside = false
		case inside && strings.HasPrefix(line, "$ "):
			all = append(all, command{page: page, line: i + 1, text: line[2:]})
		case inside && all[len(all)-1].text == "":
			return nil, fmt.Errorf("%s:%d: output without a command: %q", page, i+1, line)
		case inside:
			last := &all[len(all)-1]
			last.want = append(last.want, line)
		}
	}
	if inside {
		return nil, fmt.Errorf("%s: a console block has no end", page)
	}
	n := 0
	for _, c := range all {
		if c.text != "" {
			all[n] = c
			n++
		}
	}
	return all[:n], nil
}

// rest stands for any lines.
const rest = "…"

// differ returns the first line that the page shows and the command did not print, or "". Lines are compared in order
// after normalize. Further lines of the command are allowed only where the page has a rest.
func differ(want, got []string, normalize func(string) string) string {
	skipping := false
	for _, w := range want {
		if strings.TrimSpace(w) == rest {
			skipping = true
			continue
		}
		at := -1
		for i, g := range got {
			if normalize(w) == normalize(g) {
				at = i
				break
			}
			if !skipping {
				break
			}
		}
		if at < 0 {
			return w
		}
		got, skipping = got[at+1:], false
	}
	if len(got) > 0 && !skipping {
		return "(the end of the output, before " + got[0] + ")"
	}
	return ""
}

// differAnywhere is differ for output whose lines may come in another order, behind the first.
func differAnywhere(want, got []string, normalize func(string) string) string {
	all := map[string]int{}
	for _, g := range got {
		all[normalize(g)]++
	}
	skipping := false
	for i, w := range want {
		if strings.TrimSpace(w) == rest {
			skipping = true
			continue
		}
		n := normalize(w)
		if all[n] == 0 || i == 0 && n != normalize(got[0]) {
			return w
		}
		all[n]--
	}
	for line, n := range all {
		if n > 0 && !skipping {
			return "(no line like " + line + ")"
		}
	}
	return ""
}

// exactly trims trailing spaces.
func exactly(line string) string { return strings.TrimRight(line, " ") }

var (
	number = regexp.MustCompile(`[-+±]?\d[\d,]*(\.\d+)?`)
	unit   = regexp.MustCompile(`# ?(ns|µs|ms|s|KiB|MiB|MB|KB)\b`)
	// The longest call is another one if an interrupt hits it.
	longest = regexp.MustCompile(`(at most # unit) \(\w+ in \w+, [^)]+\)`)
	spaces  = regexp.MustCompile(`\s+`)
)

// roughly replaces numbers, units of time, the name of the longest call and columns' widths: what differs from one run
// to the next.
func roughly(line string) string {
	line = number.ReplaceAllString(strings.TrimSpace(line), "#")
	line = unit.ReplaceAllString(line, "# unit")
	line = longest.ReplaceAllString(line, "$1 (a call)")
	return spaces.ReplaceAllString(line, " ")
}
