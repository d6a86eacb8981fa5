package yamlerr

import (
	"fmt"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestLine(t *testing.T) {
	for data, want := range map[string]string{
		"a: 1\nb: *nosuch\n":          "2: the alias *nosuch has no anchor &nosuch before it",
		"a: 1\nb: [x, *n]\nn: &n 1\n": "2: the alias *n has no anchor &n before it",
		"a: 3 *n\nb: *no\nc: {d: *n}": "2: the alias *no has no anchor &no before it",
		"a: 1\n<<: *n\n":              "2: the alias *n has no anchor &n before it",
		"a:\n- b: 1\n\tc: 2\n":        "3: a tab indents this line: indent with spaces",
		"a:\n\tb: 1\n":                "2: a tab indents this line: indent with spaces",
		"a:\n- b: 1\n  \tc: 2\n":      "3: a tab indents this line: indent with spaces",
		"a: 1\nb: \"x\n":              "2: found unexpected end of stream",
		"a: @b\n":                     "1: found character that cannot start any token",
		"a: [1\nb: 2\n":               "1: did not find expected ',' or ']'",
	} {
		var n yaml.Node
		err := yaml.Unmarshal([]byte(data), &n)
		if err == nil {
			t.Errorf("%q has no mistake", data)
			continue
		}
		line, what := Line([]byte(data), err)
		if got := fmt.Sprintf("%d: %s", line, what); got != want {
			t.Errorf("%q: %s, want %s (from %v)", data, got, want, err)
		}
	}
}

func TestTypes(t *testing.T) {
	for data, want := range map[string]string{
		"name: x\nname: y\n": `2: the key "name" is also in line 1: remove one of them`,
		"- name: x\n":        "1: this is a list, and must be a mapping, as in `key: value`",
		"just text\n":        "1: this is a text, and must be a mapping, as in `key: value`",
		"name: [1]\n":        "1: this is a list, and must be a text",
		"name: x\ncount: a":  "2: this is a text, and must be a number",
		"list: {a: 1}\n":     "1: this is a mapping, and must be a list",
		"on: 3\n":            "1: this is a number, and must be true or false",
	} {
		var out struct {
			Name  string
			Count int
			List  []string
			On    bool
		}
		err := yaml.Unmarshal([]byte(data), &out)
		if err == nil {
			t.Errorf("%q has no mistake", data)
			continue
		}
		line, what := Line([]byte(data), err)
		if got := fmt.Sprintf("%d: %s", line, what); got != want {
			t.Errorf("%q: %s, want %s (from %v)", data, got, want, err)
		}
	}
}
