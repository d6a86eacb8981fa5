package doctest

import (
	"reflect"
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	const page = "text\n```console\n$ a b\nout 1\n\nout 2\n$ c\n```\n```\n$ not run\n```\n```console\n$ d\n```\n"
	got, err := commands("p.md", page)
	want := []command{
		{page: "p.md", line: 3, text: "a b", want: []string{"out 1", "", "out 2"}},
		{page: "p.md", line: 7, text: "c"},
		{page: "p.md", line: 13, text: "d"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"```console\nno command\n```\n", "```console\n$ a\n"} {
		if _, err := commands("p.md", bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestDiffer(t *testing.T) {
	for _, test := range []struct {
		want, got string
		normalize func(string) string
		differs   bool
	}{
		{"a|b", "a|b", exactly, false},
		{"a|b", "a|c", exactly, true},
		{"a", "a|b", exactly, true},
		{"a|b", "a", exactly, true},
		{"a|…", "a|b|c", exactly, false},
		{"a|…|c", "a|b|b|c", exactly, false},
		{"a|…|d", "a|b|c", exactly, true},
		{"…", "", exactly, false},
		{"x 3.84 µs  1,234", "x  12.1 ms 7", roughly, false},
		{"x 3.84 µs", "x 3.84 %", roughly, true},
		{
			"at most 7 µs (path_rename in rename, sh)", "at most 14 µs (file_open in openat, cat)",
			roughly, false,
		},
		{"at most 7 µs (path_rename in rename, sh)", "at most 14 µs", roughly, true},
	} {
		split := func(s string) []string {
			if s == "" {
				return nil
			}
			return strings.Split(s, "|")
		}
		if d := differ(split(test.want), split(test.got), test.normalize); (d != "") != test.differs {
			t.Errorf("%q against %q: %q, want a difference: %v", test.want, test.got, d, test.differs)
		}
	}
}

func TestDifferAnywhere(t *testing.T) {
	for _, test := range []struct {
		want, got string
		differs   bool
	}{
		{"first|a|b", "first|b|a", false},
		{"first|a|…", "first|b|a", false},
		{"…|a", "first|b|a", false},
		{"a|first", "first|a", true}, // the first line is the answer
		{"first|a|a|…", "first|a|b", true},
		{"first|a", "first|a|b", true},
		{"first", "", true},
		{"…", "", false},
	} {
		got := strings.Split(test.got, "|")
		if test.got == "" {
			got = nil
		}
		if d := differAnywhere(strings.Split(test.want, "|"), got, exactly); (d != "") != test.differs {
			t.Errorf("%q against %q: %q, want a difference: %v", test.want, test.got, d, test.differs)
		}
	}
}
