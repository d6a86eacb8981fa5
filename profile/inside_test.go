package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// withLines returns the sample with samples of the inside of varmor_file_open under nginx: three lines, one of which
// calls a helper, and one in a callback from another file.
func withLines() Snapshot {
	s := sample()
	const program, file, rules = "varmor_file_open", "src/file.c", "src/rules.h"
	open := Code{Program: program, Function: program, File: file, Line: 3}
	walk := Code{Program: program, Function: program, File: file, Line: 5}
	rule := Code{Program: program, Function: "rule_at", File: rules, Line: 2}
	lookup := Code{Function: "htab_map_lookup_elem", Module: "[kernel]"}
	hash := Code{Function: "jhash", Module: "[kernel]"}
	loop := Code{Function: "bpf_loop", Module: "[kernel]"}
	s.Rows[0].Paths = []Path{
		{program, []Code{open}, 40},
		{program, []Code{hash, lookup, open}, 70},
		{program, []Code{rule, loop, walk}, 90},
		{program, []Code{walk}, 17},
	}
	s.Rows[2].Paths = []Path{{program, []Code{rule, loop, walk}, 3}}
	s.Inside = &Inside{Event: "cpu-clock", Hz: 997, Samples: 220, Own: 31, Lost: 2, Programs: []Source{
		{Program: program, Lines: []SourceLine{
			{rules, 2, "	return rule->mode & mode; /* the first that matches */"},
			{file, 3, "	rules = bpf_map_lookup_elem(&outer, &mntns);"},
			{file, 5, "	bpf_loop(rules->n / 2, rule_at, &walk, 0);"},
		}},
		{Program: "varmor_bprm_check_security", Without: "the program has no line information"},
	}}
	return s
}

// The paths of a row add up to its body, to the nanosecond, in the profile and among the lines.
func TestLinesAddUpToTheBody(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		s := withLines()
		for i := range s.Rows[0].Paths {
			s.Rows[0].Paths[i].Count = 1 + r.Uint64N(1000)
		}
		s.Rows[0].Sum += r.Uint64N(1e9)
		c := costs(t, s)
		var bodies, lines float64
		for i := range c.Rows {
			if len(c.Rows[i].Paths) > 0 {
				bodies += c.Rows[i].Body
			}
		}
		for _, p := range c.Lines(nil) {
			if math.Abs(p.Body-sum(p.Lines)) > 1e-6 {
				t.Fatalf("%s: %v, its lines %v", p.Program, p.Body, sum(p.Lines))
			}
			lines += p.Body
		}
		if math.Abs(bodies-lines) > 1e-6*bodies {
			t.Fatalf("rows with samples: %v ns, their lines %v", bodies, lines)
		}
		with, without := sums(t, s), sums(t, withoutLines(s))
		if with != without {
			t.Fatalf("the profile with lines sums up to %v, without to %v", with, without)
		}
	}
}

func sum(lines []LineCost) (ns float64) {
	for _, l := range lines {
		ns += l.Body
	}
	return ns
}

func withoutLines(s Snapshot) Snapshot {
	s.Inside, s.Rows = nil, slices.Clone(s.Rows)
	for i := range s.Rows {
		s.Rows[i].Paths = nil
	}
	return s
}

// sums returns the sum of each value over the samples of a profile.
func sums(t *testing.T, s Snapshot) (all [valueCount]int64) {
	t.Helper()
	p, err := costs(t, s).Profile()
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range p.Sample {
		for i, v := range sample.Value {
			all[i] += v
		}
	}
	return all
}

func TestLinesOfAProgram(t *testing.T) {
	all := costs(t, withLines()).Lines(nil)
	if len(all) != 1 {
		t.Fatalf("%d programs, want 1", len(all))
	}
	p := all[0]
	if p.Program != "varmor_file_open" || p.Samples != 220 || p.Divided || p.Few() || p.Calls != 1100 {
		t.Errorf("got %s: %d samples of %d calls, divided %v", p.Program, p.Samples, p.Calls, p.Divided)
	}
	var got []string
	for _, l := range p.Lines {
		got = append(got, l.Code.String()+" "+CodeOf(l.Text))
		if !(l.Low < l.Body && l.Body < l.High) {
			t.Errorf("%s: %v is not within %v to %v", l.Code, l.Body, l.Low, l.High)
		}
	}
	want := []string{
		"src/rules.h:2 return rule->mode & mode;",
		"src/file.c:3 rules = bpf_map_lookup_elem(&outer, &mntns);",
		"src/file.c:5 bpf_loop(rules->n / 2, rule_at, &walk, 0);",
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h := p.Lines[1].Helpers; len(h) != 1 || h[0].Function != "jhash" || h[0].Samples != 70 {
		t.Errorf("helpers %v, want 70 samples of jhash", h)
	}
	if got := costs(t, withLines()).Lines(func(c *Cost) bool { return c.Syscall == "execve" }); len(got) != 1 ||
		!got[0].Few() || len(got[0].Lines) != 1 {
		t.Errorf("lines of execve: %v, want one with too few samples", got)
	}
	if got := costs(t, sample()).Lines(nil); got != nil {
		t.Errorf("lines of a recording without: %v", got)
	}
}

// Before Linux 5.18 the row is a hook's, and the samples divide it among its programs.
func TestSamplesDivideAHook(t *testing.T) {
	s := withLines()
	s.Programs[0].Scope, s.Programs[0].Name = ScopeHook, ""
	s.Rows[0].Paths = append(s.Rows[0].Paths, Path{
		"other_file_open",
		[]Code{{Program: "other_file_open", Function: "other_file_open"}},
		217,
	})
	c := costs(t, s)
	all := c.Lines(func(c *Cost) bool { return c.Syscall == "openat" })
	if len(all) != 2 || !all[0].Divided || !all[1].Divided {
		t.Fatalf("got %+v, want two programs", all)
	}
	if a, b := all[0].Body, all[1].Body; math.Abs(a-b) > 1e-6*a {
		t.Errorf("as many samples of both, but %v and %v ns", a, b)
	}
	p, err := c.Profile()
	if err != nil {
		t.Fatal(err)
	}
	const want = "hook.file_open > program.other_file_open > function.other_file_open"
	if !strings.Contains(strings.Join(stacks(p), "\n"), want) {
		t.Errorf("no stack %q in\n%s", want, strings.Join(stacks(p), "\n"))
	}
}

// 95 of 100 intervals hold the true share, also if the rows of a program were sampled at different rates.
func TestIntervalsOfLinesHoldTheTruth(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	code := func(line int) []Code {
		return []Code{{Program: "varmor_file_open", Function: "f", File: "f.c", Line: line}}
	}
	held, intervals := 0, 0
	for range 400 {
		s := withLines()
		truth := []float64{0.6, 0.3, 0.1}
		for row, samples := range map[int]int{0: 300, 2: 60} {
			n := make([]uint64, len(truth))
			for range samples {
				switch v := r.Float64(); {
				case v < truth[0]:
					n[0]++
				case v < truth[0]+truth[1]:
					n[1]++
				default:
					n[2]++
				}
			}
			s.Rows[row].Paths = nil
			for i := range truth {
				s.Rows[row].Paths = append(s.Rows[row].Paths, Path{"varmor_file_open", code(i), n[i]})
			}
		}
		p := costs(t, s).Lines(nil)[0]
		for _, l := range p.Lines {
			intervals++
			if v := truth[l.Code.Line] * p.Body; l.Low <= v && v <= l.High {
				held++
			}
		}
	}
	if share := float64(held) / float64(intervals); share < 0.935 || share > 0.975 {
		t.Errorf("%d of %d intervals hold the truth: %.1f %%", held, intervals, 100*share)
	}
}

func TestSinceSubtractsSamples(t *testing.T) {
	earlier, now := withLines(), withLines()
	now.Duration *= 2
	now.Programs, now.Rows = slices.Clone(now.Programs), slices.Clone(now.Rows)
	now.Rows[0].Paths = slices.Clone(now.Rows[0].Paths)
	now.Rows[0].Paths[1].Count += 5
	now.Rows[0].Denials++
	inside := *now.Inside
	inside.Samples += 5
	now.Inside = &inside
	d, err := now.Since(earlier)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Rows) != 1 || len(d.Rows[0].Paths) != 1 || d.Rows[0].Paths[0].Count != 5 || d.Inside.Samples != 5 {
		t.Errorf("got %+v, want 5 samples of one path", d.Rows)
	}
	if _, err := earlier.Since(now); err == nil {
		t.Error("fewer samples are no error")
	}
}

func TestSourceFilesHoldWhatIsKnown(t *testing.T) {
	in := withLines().Inside
	in.Programs[0].Lines = append(in.Programs[0].Lines, SourceLine{"src/rules.h", 1 << 30, "damaged"},
		SourceLine{"a.h", 0, ""})
	got := in.SourceFiles()
	want := map[string]string{
		"src/rules.h": "\n    return rule->mode & mode; /* the first that matches */\n",
		"src/file.c": "\n\n    rules = bpf_map_lookup_elem(&outer, &mntns);\n" +
			"\n    bpf_loop(rules->n / 2, rule_at, &walk, 0);\n",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	if files := (*Inside)(nil).SourceFiles(); files != nil {
		t.Errorf("sources without samples: %v", files)
	}
}

// Line information of a hostile program neither fills the memory nor the disk.
func TestSourceFilesAreBounded(t *testing.T) {
	in := &Inside{Programs: []Source{{Lines: []SourceLine{{"", 1, "x"}, {"long", 1, strings.Repeat("x", 1<<20)}}}}}
	for i := range 1000 {
		in.Programs[0].Lines = append(in.Programs[0].Lines, SourceLine{fmt.Sprint("many/", i), 1 << 20, "x"})
	}
	files, size := in.SourceFiles(), 0
	for _, text := range files {
		size += len(text)
	}
	if len(files) == 0 || files["long"] == "" || size > 2<<20 {
		t.Errorf("%d files of %d bytes in all", len(files), size)
	}
}

func TestCodeOf(t *testing.T) {
	for line, want := range map[string]string{
		"\tif (a)  /* b */ c(); // d": "if (a) c();",
		"a /* open":                   "a",
		"/* all */":                   "",
		"x = \"\x1b[2J\";":            "x = \"?[2J\";",
	} {
		if got := CodeOf(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
