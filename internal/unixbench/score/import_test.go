package score

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func imported(t *testing.T, name string, f Format) *Report {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(bytes.NewReader(data), f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// A report and a log of the same run agree to the last digit: the one has what UnixBench printed, the other what its
// passes give.
func TestLogGivesWhatTheReportSays(t *testing.T) {
	for _, name := range []string{"run-index-i1", "run-i3-c1c2"} {
		report, log := imported(t, name, ""), imported(t, name+".log", "")
		if report.Version != "6.0.0" || len(log.Sections) != len(report.Sections) {
			t.Fatalf("%s: version %q, %d and %d sections", name, report.Version, len(report.Sections),
				len(log.Sections))
		}
		for i, want := range report.Sections {
			got := log.Sections[i]
			if got.Copies != want.Copies || want.CPUs != 2 || len(got.Tests) != len(want.Tests) {
				t.Fatalf("%s: section %d: %d copies, %d tests; want %d, %d", name, i, got.Copies,
					len(got.Tests), want.Copies, len(want.Tests))
			}
			if line(got.System) != line(want.System) || got.Partial != want.Partial {
				t.Errorf("%s, %d copies: index %s, partial %t; want %s, %t", name, got.Copies,
					line(got.System), got.Partial, line(want.System), want.Partial)
			}
			for _, w := range want.Tests {
				g := got.find(w.Label)
				if g == nil {
					t.Fatalf("%s: the log has no %q", name, w.Label)
				}
				if describe(*g) != describe(w) {
					t.Errorf("%s:\nlog    %s\nreport %s", name, describe(*g), describe(w))
				}
			}
		}
	}
}

func line(v float64) string { return fmt.Sprintf("%.1f", v) }

func describe(i Imported) string {
	return fmt.Sprintf("%s %q %.1f %s (%.1f s, %d samples) baseline %.1f index %.1f", i.Name, i.Label, i.Score,
		i.Unit, i.Time, i.Samples, i.Baseline, i.Index)
}

func TestCSVGivesWhatTheReportSays(t *testing.T) {
	report, table := imported(t, "run-i3-c1c2", FormatReport), imported(t, "run-i3-c1c2.csv", "")
	for i, want := range report.Sections {
		got := table.Sections[i]
		if got.Copies != want.Copies || line(got.System) != line(want.System) || got.Partial != want.Partial {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, w := range want.Tests {
			if g := got.find(w.Label); g == nil || line(g.Score) != line(w.Score) ||
				line(g.Index) != line(w.Index) || g.Unit != w.Unit {
				t.Errorf("%+v, want %+v", g, w)
			}
		}
	}
}

// 5.1.3 writes the same report. Output of make and Run before it is ignored.
func TestOlderReport(t *testing.T) {
	data, err := os.ReadFile("testdata/run-i3-c1c2")
	if err != nil {
		t.Fatal(err)
	}
	old := strings.ReplaceAll(string(data), "6.0.0", "5.1.3")
	r, err := Import(strings.NewReader("make all\nmake[1]: Entering directory\n"+old), "")
	if err != nil || r.Version != "5.1.3" || len(r.Sections) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestImportTraps(t *testing.T) {
	log, err := os.ReadFile("testdata/run-i3-c1c2.log")
	if err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile("testdata/run-i3-c1c2")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(data []byte, old, new string) string {
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("testdata has no %q", old)
		}
		return strings.Replace(string(data), old, new, 1)
	}
	for name, c := range map[string]struct {
		f    Format
		text string
	}{
		"empty":            {"", ""},
		"something else":   {"", "hello\n"},
		"no such format":   {"html", "x"},
		"score 1.0":        {"", edit(report, "1629971.8 lps", "1.0 lps")},
		"count 0":          {"", edit(log, "COUNT0: 14920648", "COUNT0: 0")},
		"no count":         {"", edit(log, "# COUNT0: 14920648\n", "")},
		"a failed program": {"", edit(log, "status: 0", "status: 768")},
		"an edited pass":   {"", edit(log, "COUNT0: 16974958", "COUNT0: 26974958")},
		"a copy missing": {"", edit(log,
			"# COUNT0: 5444017\n# COUNT1: 1\n# COUNT2: lps\n# elapsed: 10.003572\n# pid: 22734\n# "+
				"status: 0\n", "")},
		"cut short":              {"", string(log[:len(log)-100])},
		"two runs in one log":    {"", string(log) + string(log)},
		"csv without a copy":     {"", "Concurrency,Pipe Throughput\nx,1\n"},
		"csv with score 1.0":     {"", "Concurrency,Pipe Throughput\n1,1.0\n"},
		"csv with a short row":   {"", "Concurrency,Pipe Throughput\n1\n"},
		"csv with no rows":       {"", "Concurrency,Pipe Throughput\n"},
		"csv that is no such":    {"csv", "a,b\n1,2\n"},
		"csv with infinite":      {"", "Concurrency,Pipe Throughput\n1,Inf\n"},
		"a log said to be a csv": {"csv", string(log)},
	} {
		if r, err := Import(strings.NewReader(c.text), c.f); err == nil {
			t.Errorf("%s: imported as %+v", name, r)
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, name := range []string{
		"run-index-i1", "run-index-i1.log", "run-i3-c1c2", "run-i3-c1c2.log",
		"run-i3-c1c2.csv",
	} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "")
	}
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		r, err := Import(bytes.NewReader(data), Format(format))
		if err != nil {
			return
		}
		for _, s := range r.Sections {
			for _, i := range s.Tests {
				if !(i.Score > 0) || i.Score == 1 {
					t.Errorf("%q scores %v", i.Label, i.Score)
				}
			}
		}
	})
}
