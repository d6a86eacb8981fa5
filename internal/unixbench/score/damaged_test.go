package score

import (
	"os"
	"strings"
	"testing"
)

func damaged(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/damaged/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Reports are pasted from mails, terminals and web pages. One that lost a result must not pass for a whole one.
func TestDamagedReports(t *testing.T) {
	whole := damaged(t, "undamaged")
	edit := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("the report has no %q", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	const execl = "Execl Throughput                               9632.0 lps   (30.0 s, 2 samples)\n"
	const spawn = "Process Creation                                126.0      33516.0   2660.0\n"
	for name, c := range map[string]struct{ text, want string }{
		"a wrapped line": {
			damaged(t, "wrapped"),
			`line 32: the table lists "File Copy 1024 bufsize 2000 maxblocks" with index 2310.0`,
		},
		"no first lines": {
			damaged(t, "without-first-lines"),
			"line 1: \"Dhrystone 2 using register variables\" comes before",
		},
		"a result removed": {edit(execl, ""), `line 29: the table lists "Execl Throughput"`},
		"a wrapped label": {
			edit("Execl Throughput     ", "Execl\nThroughput     "),
			`the table lists "Execl Throughput"`,
		},
		"a row removed":   {edit(spawn, ""), `does not list "Process Creation"`},
		"a result edited": {edit("9632.0 lps", "9932.0 lps"), `"Execl Throughput": the result is 9932`},
		"a unit edited":   {edit("9632.0 lps", "9632.0 lpm"), "is in lpm, and UnixBench measures it in lps"},
		"both edited": {strings.Replace(edit("9632.0 lps", "19632.0 lps"), "     9632.0   2240.0",
			"    19632.0   2240.0", 1), "give an index score of"},
		"cut in the table": {whole[:strings.Index(whole,
			"Pipe Throughput                               12440.0")], "does not end in an index score"},
		"quoted by a mailer": {"> " + strings.ReplaceAll(whole, "\n", "\n> "), "comes before the line"},
		"the table alone": {whole[strings.Index(whole,
			"System Benchmarks Index Values"):strings.Index(whole,
			"                                 ====")], "a table of indices without results"},
		"another index score": {
			edit("System Benchmarks Index Score                                        "+
				"2473.2",
				"System Benchmarks Index Score                                        7419.5"),
			"give an index score of 2473.2",
		},
	} {
		r, err := Import(strings.NewReader(c.text), "")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v and %+v; want an error with a line and %q", name, err, r, c.want)
		}
	}
}

// Spaces that a web page or an editor changed do no harm.
func TestReportsWithOtherSpaces(t *testing.T) {
	whole := damaged(t, "undamaged")
	for name, text := range map[string]string{
		"as Run wrote it":        whole,
		"from a web page":        damaged(t, "nbsp"),
		"with tabs":              strings.ReplaceAll(whole, "    ", "\t"),
		"with spaces at the end": strings.ReplaceAll(whole, "\n", "  \r\n"),
		"indented":               "    " + strings.ReplaceAll(whole, "\n", "\n    "),
		"with narrow spaces":     strings.ReplaceAll(whole, "   ", " \u202f\u00a0"),
	} {
		r, err := Import(strings.NewReader(text), FormatReport)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Sections) != 2 || len(r.Sections[0].Tests) != 12 || r.Sections[0].System != 2473.2 ||
			len(r.Sections[1].Tests) != 12 || len(r.Warnings) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestRunsWithoutResults(t *testing.T) {
	const empty = "32 CPUs in system; running 32 parallel copies of tests\n\n"
	whole := damaged(t, "undamaged")
	first := strings.Index(whole, "4 CPUs in system; running 1")
	second := strings.Index(whole, "4 CPUs in system; running 4")
	const few = "2 CPUs in system; running 2 parallel copies of tests\n\n"
	for name, c := range map[string]struct {
		text string
		runs int
		want string // in the warning
	}{
		"at the end":   {damaged(t, "empty-section"), 2, "the run with 32 copies has no results"},
		"at the start": {whole[:first] + empty + whole[first:], 3, "the run with 32 copies has no results"},
		"in the middle": {
			whole[:second] + empty + whole[second:], 3,
			"32 copies has no results: UnixBench 5.1.3 runs at most 16",
		},
		"of 6.0": {
			strings.Replace(whole+empty, "5.1.3", "6.0.0", 1), 3,
			"32 copies has no results: it was not finished",
		},
		"of graphics": {
			whole + few, 3,
			"2 copies has no results: it was not finished, or the report was cut, or it",
		},
		"CSV": {
			"Concurrency,Pipe Throughput\n1,1629971.8\n32\n", 2,
			"32 copies has no results: it was",
		},
		"cut behind its first line": {
			whole[:strings.Index(whole, "running 4 parallel copies of tests\n")] +
				"running 4 parallel copies of tests\n",
			2, "the run with 4 copies has no results: it was not finished, or the report was cut",
		},
		"without tables": {
			whole[:strings.Index(whole, "System Benchmarks Index Values")], 1,
			"has no table of indices",
		},
	} {
		r, err := Import(strings.NewReader(c.text), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Sections) != c.runs || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], c.want) {
			t.Errorf("%s: %d runs, warnings %q; want %d and %q", name, len(r.Sections), r.Warnings, c.runs,
				c.want)
		}
	}
	if _, err := Import(strings.NewReader("\xff\xfe4\x00"), ""); err == nil ||
		!strings.Contains(err.Error(), "iconv") {
		t.Errorf("UTF-16: %v", err)
	}
	if r, err := Import(strings.NewReader(empty), ""); err == nil {
		t.Errorf("a report without any result was imported as %+v", r)
	}
}

// Run prints a table for each category of tests that it ran, in any order.
func TestTablesOfGraphics(t *testing.T) {
	const (
		result = "2D graphics: rectangles                         1234.5 score (3.0 s, 2 samples)\n"
		table  = "2D Graphics Benchmarks Partial Index         BASELINE       RESULT    INDEX\n" +
			"2D graphics: rectangles                          15.0       1234.5    823.0\n" +
			"                                                                   ========\n"
		end = "2D Graphics Benchmarks Index Score (Partial Only)                     823.0\n\n"
	)
	whole := damaged(t, "undamaged")
	system := strings.Index(whole, "System Benchmarks Index Values")
	second := strings.Index(whole, "4 CPUs in system; running 4")
	plain, err := Import(strings.NewReader(whole), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, fails string }{
		"before the system tests": {whole[:system] + result + table + end + whole[system:], ""},
		"after them": {whole[:system] + result + whole[system:second] + table + end +
			whole[second:], ""},
		"without its end": {
			whole[:system] + result + table + whole[system:],
			"does not end in an index score",
		},
		"without its result": {whole[:system] + table + end + whole[system:], "there is no result of it"},
	} {
		r, err := Import(strings.NewReader(c.text), "")
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v, want %q", name, err, c.fails)
			}
			continue
		}
		if err != nil || len(r.Sections) != 2 || len(r.Sections[0].Tests) != 13 || len(r.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		want := plain.Sections[0].System
		graphics := r.Sections[0].find("2D graphics: rectangles")
		if got := r.Sections[0].System; got != want || graphics.Score != 1234.5 || graphics.Index != 0 {
			t.Errorf("%s: index %v, want %v; %+v", name, got, want, graphics)
		}
	}
}

func TestCSVOfRunsWithDifferentTests(t *testing.T) {
	const text = "Concurrency,2D graphics: rectangles,Pipe Throughput\n1,100.0,1629971.8\n2,1629971.8\n"
	_, err := Import(strings.NewReader(text), "")
	if err == nil || !strings.Contains(err.Error(), "row 3 has 2 fields, and the first row 3") {
		t.Errorf("%v: want an error that names the row", err)
	}
}
