package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/profile"
)

// AppArmor holds the number of rules of AppArmor's profiles by the name under which the kernel lists a profile. The
// kernel itself knows only their compiled form, which has no number of rules.
type AppArmor map[string]int

// Rules returns the number of rules of what confines a process, as the kernel writes it: `nginx (enforce)`. It is
// profile.RulesUnknown for profiles that are not in a, and for other security modules.
func (a AppArmor) Rules(module, confinement string) int {
	name, _, _ := strings.Cut(confinement, " (")
	if n, ok := a[name]; ok && module == "apparmor" {
		return n
	}
	return profile.RulesUnknown
}

// AppArmorRules counts the rules of the profiles of AppArmor in a folder such as /etc/apparmor.d. A rule is a statement
// of the profile or of a file that it includes; a path with alternatives is one. A profile that cannot be counted,
// because an included file is missing, is not in the result but in problems.
func AppArmorRules(dir fs.FS) (rules AppArmor, problems []error, err error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, nil, fmt.Errorf("read profiles of AppArmor: %w", err)
	}
	rules = map[string]int{}
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue // folders hold what profiles include
		}
		data, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			problems = append(problems, fmt.Errorf("read profiles of AppArmor: %w", err))
			continue
		}
		r := appArmorReader{dir: dir, rules: map[string]int{}, unknown: map[string]error{}}
		r.read(string(data), "")
		for name, n := range r.rules {
			if err := r.unknown[name]; err != nil {
				problems = append(problems, fmt.Errorf("profile %s in %s: %w", name, e.Name(), err))
				continue
			}
			rules[name] = n
		}
	}
	return rules, problems, nil
}

// appArmorReader counts the rules in one file.
type appArmorReader struct {
	dir     fs.FS
	rules   map[string]int
	unknown map[string]error
	files   []string // that are being read, to find cycles
}

// read counts the statements in a text that is part of a profile; profile is "" outside of profiles.
func (r *appArmorReader) read(text, profile string) {
	open := []string{profile} // the profile of each block
	for text != "" {
		var statement string
		var end byte
		statement, end, text = nextStatement(text)
		in := open[len(open)-1]
		switch end {
		case '{':
			open = append(open, blockOf(statement, in))
			if name := open[len(open)-1]; name != "" {
				r.rules[name] += 0
			}
		case '}':
			open = open[:max(1, len(open)-1)]
		case '\n':
			if name, optional, ok := included(statement); ok {
				r.include(name, optional, in)
			}
		case ',':
			if in != "" {
				r.rules[in]++
			}
		}
	}
}

// nextStatement cuts the next statement off a text, and returns what ended it: a comma, the beginning or the end of a
// block or, for includes and variables, '\n'.
func nextStatement(text string) (statement string, end byte, rest string) {
	var b strings.Builder
	quoted, nested := false, 0 // in alternatives, options or sets
	for i := 0; i < len(text); i++ {
		c := text[i]
		begun := strings.TrimSpace(b.String())
		switch {
		case c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			c = text[i]
		case (c == '"' && quoted || c == '>') && includeStatement(begun):
			return begun + string(c), '\n', text[i+1:]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '#' && !(begun == "" && strings.HasPrefix(text[i:], "#include")):
			line, _, _ := strings.Cut(text[i:], "\n")
			i += len(line) - 1
			continue
		case c == '\n' && lineStatement(begun):
			return begun, c, text[i+1:]
		case c == '{' && nested == 0 && (i == 0 || strings.IndexByte(" \t\n)", text[i-1]) >= 0):
			return begun, c, text[i+1:]
		case c == '}' && nested == 0, c == ',' && nested == 0:
			return begun, c, text[i+1:]
		case c == '{', c == '(', c == '[':
			nested++
		case c == '}', c == ')', c == ']':
			nested--
		}
		b.WriteByte(c)
	}
	return strings.TrimSpace(b.String()), '\n', ""
}

func includeStatement(begun string) bool {
	return strings.HasPrefix(begun, "include ") || strings.HasPrefix(begun, "#include ")
}

// lineStatement reports whether a statement ends with its line: an include, or the value of a variable.
func lineStatement(begun string) bool {
	return includeStatement(begun) ||
		(strings.HasPrefix(begun, "@{") || strings.HasPrefix(begun, "${")) && strings.Contains(begun, "=")
}

// blockOf returns the profile that a block belongs to. head is the text before it: `profile nginx /usr/sbin/nginx
// flags=(complain)`, `/usr/bin/man`, `^HAT`. Conditions and qualifiers, such as `audit deny`, begin no profile.
func blockOf(head, in string) string {
	head, _, _ = strings.Cut(head, "flags=")
	words := strings.Fields(head)
	if len(words) == 0 {
		return in
	}
	name := strings.Trim(words[0], `"`)
	switch {
	case (name == "profile" || name == "hat") && len(words) > 1:
		name = strings.Trim(words[1], `"`)
	case strings.HasPrefix(name, "^"):
		name = name[1:]
	case !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "@{"):
		return in
	}
	if in != "" {
		return in + "//" + name
	}
	return name
}

// included returns the file of a statement such as `include if exists <local/nginx>`.
func included(statement string) (name string, optional, ok bool) {
	words := strings.Fields(strings.TrimPrefix(statement, "#"))
	if len(words) < 2 || words[0] != "include" {
		return "", false, false
	}
	optional = len(words) == 4 && words[1] == "if"
	return strings.Trim(words[len(words)-1], `<>"`), optional, true
}

// include counts the rules of a file, or of all files of a folder.
func (r *appArmorReader) include(name string, optional bool, profile string) {
	name = path.Clean(strings.TrimPrefix(name, "/etc/apparmor.d/"))
	if profile == "" || slices.Contains(r.files, name) {
		return // tunables: they hold variables
	}
	data, err := fs.ReadFile(r.dir, name)
	if entries, ok := fs.ReadDir(r.dir, name); ok == nil {
		for _, e := range entries {
			if !e.IsDir() {
				r.include(path.Join(name, e.Name()), optional, profile)
			}
		}
		return
	}
	if err != nil {
		if !optional || !errors.Is(err, fs.ErrNotExist) {
			r.unknown[profile] = fmt.Errorf("include: %w", err)
		}
		return
	}
	r.files = append(r.files, name)
	r.read(string(data), profile)
	r.files = r.files[:len(r.files)-1]
}
