package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

// A broken run directory gives an error that names what is wrong, or a report that names what is missing.
func TestBrokenRuns(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(s *rundirtest.Run)
		files  func(f fstest.MapFS)
		want   string // in the error
		says   string // in the report
	}{
		"empty":          {files: func(f fstest.MapFS) { clear(f) }, want: "not a run directory"},
		"truncated plan": {files: truncate(rundir.InfoFile), want: "run.json: unexpected end"},
		"foreign": {
			files: content(rundir.InfoFile, `{"name": "something else"}`),
			want:  "not that of a run of lsmprof",
		},
		"no object": {files: content(rundir.InfoFile, `[1, 2]`), want: "run.json"},
		"newer": {
			breaks: func(s *rundirtest.Run) { s.Info.Schema = "lsmprof/run/v2" },
			want:   "Use the one that wrote it",
		},
		"no scenario": {breaks: func(s *rundirtest.Run) { s.Info.Plan.Scenarios = nil }, want: "no scenario"},
		"no test":     {breaks: func(s *rundirtest.Run) { s.Info.Plan.Tests = nil }, want: "no test"},
		"a test twice": {breaks: func(s *rundirtest.Run) {
			s.Info.Plan.Tests[1].Name = s.Info.Plan.Tests[0].Name
		}, want: "twice"},
		"a scenario twice": {breaks: func(s *rundirtest.Run) {
			s.Info.Plan.Scenarios[1].Name = s.Info.Plan.Scenarios[0].Name
		}, want: "twice"},
		"NaN": {
			files: content(rundir.ResultsFile, `{"test": "test0", "ops": NaN}`+"\n{}\n"),
			want:  "results.jsonl: line 1",
		},

		"cut results":     {files: truncate(rundir.ResultsFile), says: "was cut"},
		"no results":      {files: remove(rundir.ResultsFile), says: "results.jsonl is missing"},
		"no explanation":  {files: remove(rundir.ExplainedFile), says: "explained.json is missing"},
		"cut explanation": {files: truncate(rundir.ExplainedFile), says: "explained.json: unexpected end"},
		"no profile": {
			files: remove("profiles/rules=2/test1.pb.gz"),
			says:  "profiles/rules=2/test1.pb.gz is missing",
		},
		"cut profile": {
			files: truncate("profiles/rules=2/test1.pb.gz"),
			says:  "profiles/rules=2/test1.pb.gz",
		},
		"absurd profile": {breaks: func(s *rundirtest.Run) {
			e := s.Explained["test0"]["rules=1"]
			e.HookNs = -1
			s.Explained["test0"]["rules=1"] = e
		}, says: "the profile run of test0 under rules=1 is left out"},
		"absurd time of a syscall": {breaks: func(s *rundirtest.Run) {
			s.Explained["test0"]["rules=1"].Syscalls[0].Ns = -1
		}, says: "the profile run of test0 under rules=1 is left out"},
		"a scenario without runs": {breaks: func(s *rundirtest.Run) {
			s.Info.Plan.Order = rundir.Sequential
			drop(s, func(r *rundir.Result) bool { return r.Scenario == "rules=2" })
		}, says: "test0 has no round under rules=2"},
		"a baseline without runs": {breaks: func(s *rundirtest.Run) {
			s.Info.Plan.Order = rundir.Sequential
			drop(s, func(r *rundir.Result) bool { return r.Scenario == "not-installed" })
		}, says: "test0 and test1: no complete round"},
		"unfinished round": {
			breaks: func(s *rundirtest.Run) { s.Results = s.Results[:len(s.Results)-1] },
			says:   "not complete",
		},
		"one run": {
			breaks: func(s *rundirtest.Run) { drop(s, func(r *rundir.Result) bool { return r.Round > 0 }) },
			says:   "there is only one round",
		},
		"zero scores": {breaks: func(s *rundirtest.Run) {
			for i := range s.Results {
				s.Results[i].Ops = 0
			}
		}, says: "without a score"},
		"no time": {
			breaks: func(s *rundirtest.Run) { s.Results[0].Ns = 0 },
			says:   "left out 1 result without a score",
		},
		"a huge score": {
			breaks: func(s *rundirtest.Run) { s.Results[0].Ops = math.MaxFloat64 },
			says:   "left out 1 result without a score",
		},
		"foreign results": {
			breaks: func(s *rundirtest.Run) { s.Results[0].Test = "another" },
			says:   "left out 1 result: the plan lacks",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := rundirtest.New(2, 4, 12).WithProfiles(t)
			if c.breaks != nil {
				c.breaks(s)
			}
			f := s.Files(t)
			if c.files != nil {
				c.files(f)
			}
			r, err := OpenFS(f)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want an error with %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			whole := formats(t, r)
			if said := append(r.Warnings, r.flameGraphs().problems...); !strings.Contains(strings.Join(said,
				"\n"), c.says) {
				t.Errorf("warnings are %q, want %q", said, c.says)
			}
			if !json.Valid([]byte(whole["json"])) {
				t.Error("report.json is not JSON")
			}
			for format, text := range whole {
				// pprof's code has NaN
				text, _, _ = strings.Cut(text, `<script type="application/json"`)
				if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
					t.Errorf("%s contains NaN or an infinity", format)
				}
			}
		})
	}
}

// drop removes results from a run.
func drop(s *rundirtest.Run, what func(*rundir.Result) bool) {
	kept := s.Results[:0]
	for _, r := range s.Results {
		if !what(&r) {
			kept = append(kept, r)
		}
	}
	s.Results = kept
}

func truncate(name string) func(fstest.MapFS) {
	return func(f fstest.MapFS) { f[name].Data = f[name].Data[:len(f[name].Data)-7] }
}

func content(name, text string) func(fstest.MapFS) {
	return func(f fstest.MapFS) { f[name].Data = []byte(text) }
}

func remove(name string) func(fstest.MapFS) { return func(f fstest.MapFS) { delete(f, name) } }

// A scenario without an index has a dash, not an index of 0, and each number of copies has a row.
func TestMissingIndex(t *testing.T) {
	s := rundirtest.New(2, 3, 6)
	s.Info.Plan.Order = rundir.Sequential
	s.Info.Plan.Tests[0] = rundir.Test{Name: "execl", Label: "Execl", Unit: "lps", Baseline: 43}
	s.Info.Plan.Tests[1] = s.Info.Plan.Tests[0].WithCopies(4)
	s.Explained = nil
	for i := range s.Results {
		s.Results[i].Test = map[string]string{"test0": "execl", "test1": "execl-x4"}[s.Results[i].Test]
	}
	drop(s, func(r *rundir.Result) bool { return r.Test == "execl" && r.Scenario == "rules=2" })
	whole := formats(t, open(t, s))
	for format, want := range map[string][]string{
		"md":   {" | – |\n| Index, 4 copies, 1 of 12 tests |"},
		"txt":  {"rules=2                    –\n"},
		"html": {"<td>–</td></tr>", "Index, 4 copies"},
	} {
		for _, part := range want {
			if !strings.Contains(whole[format], part) {
				t.Errorf("%s has no %q:\n%.3000s", format, part, whole[format])
			}
		}
	}
}

// Names add no tag or attribute to the page, and no markup to Markdown.
func TestNamesAreOnlyText(t *testing.T) {
	s := rundirtest.Hostile(t)
	whole := formats(t, open(t, s))
	scripts := 0
	tokens := html.NewTokenizer(strings.NewReader(whole["html"]))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			if tokens.Err() != io.EOF {
				t.Fatal(tokens.Err())
			}
			break
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := tokens.Token()
		if token.Data == "script" {
			scripts++
		}
		if token.Data == "img" || token.Data == "b" && len(token.Attr) > 0 {
			t.Errorf("%v", token)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" &&
				!strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
				t.Errorf("%v", token)
			}
		}
	}
	if scripts > 4 { // data and code, of the flame graphs and of the forecast
		t.Errorf("%d scripts in the page", scripts)
	}
	text, code, _ := strings.Cut(whole["md"], "\n```\n")
	if code, rest, _ := strings.Cut(code, "\n```\n"); strings.Contains(code, "`") || rest != "" {
		t.Errorf("Markdown's code goes on: %s", rest)
	}
	for _, bad := range []string{"<script", "<img", "](javascript"} {
		if strings.Contains(strings.NewReplacer(`\<`, "", `\]`, "").Replace(text), bad) {
			t.Errorf("Markdown has %s", bad)
		}
	}
	for name, text := range whole {
		if strings.HasSuffix(name, ".csv") && strings.Contains(text, "\n=") {
			t.Errorf("%s has a formula", name)
		}
	}
}

// Reading any run directory and reporting on it ends without a panic.
func FuzzRunDirectory(f *testing.F) {
	s := rundirtest.New(2, 3, 3).WithProfiles(f)
	files := s.Files(f)
	f.Add(files[rundir.InfoFile].Data, files[rundir.ResultsFile].Data, files[rundir.ExplainedFile].Data,
		files["profiles/rules=2/test1.pb.gz"].Data)
	f.Add([]byte(`{"schema": "lsmprof/run/v1", "plan": {"scenarios": [{"name": "", "twin": true}], `+
		`"tests": [{"copies": -1}]}}`), []byte("{}\n"), []byte(`{"": {"": {"ops": 1}}}`), []byte{})
	f.Fuzz(func(t *testing.T, info, results, explained, profile []byte) {
		dir := fstest.MapFS{
			rundir.InfoFile: {Data: info}, rundir.ResultsFile: {Data: results},
			rundir.ExplainedFile: {Data: explained},
		}
		for name := range files {
			if strings.HasPrefix(name, rundir.ProfilesDir) {
				dir[name] = &fstest.MapFile{Data: profile}
			}
		}
		r, err := OpenFS(dir)
		if err != nil {
			return
		}
		formats(t, r)
		formats(t, r.Compare(r))
	})
}

// A run compared with itself has no change. One that loses more has a regression.
func TestCompare(t *testing.T) {
	old, slower := rundirtest.New(2, 4, 24), rundirtest.New(2, 4, 24)
	for i := range slower.Results {
		if r := &slower.Results[i]; r.Test == "test1" && r.Scenario == "rules=2" {
			r.Ops *= 0.98
		}
	}
	c := open(t, old).Compare(open(t, old)).Comparison
	if len(c.regressions(0)) != 0 || len(c.Differs) != 0 || len(c.Deltas) != 6 {
		t.Errorf("a run and itself: %+v", c)
	}
	r := open(t, slower).Compare(open(t, old))
	worse := r.Regressions(0.01)
	if len(worse) != 1 || worse[0].Test != "test1" || worse[0].Scenario != "rules=2" ||
		math.Abs(worse[0].Delta-0.02) > 0.001 ||
		!worse[0].CI.contains(0.998*0.02) {
		t.Errorf("regressions are %+v", worse)
	}
	if len(r.Regressions(0.03)) != 0 {
		t.Error("a regression of 2 points is above 3 %")
	}
	if text := formats(t, r)["md"]; !strings.Contains(text, "Test 1 under rules=2 loses 2.0 points more than "+
		"before") {
		t.Error(text)
	}
	if page := formats(t, r)["html"]; !strings.Contains(page, "Old: the reference enforcer, 2 January 2026 "+
		"03:04 UTC, 6.1.0, lsmprof test.") ||
		!strings.Contains(page, "where it differs") {
		t.Error("the page does not say which runs it compares")
	}
	for want, change := range map[string]func(*rundirtest.Run){
		"kernel: 6.1.0, then 6.12.0":          func(s *rundirtest.Run) { s.Info.Machine.Kernel = "6.12.0" },
		"CPU: a CPU, then another":            func(s *rundirtest.Run) { s.Info.Machine.CPU = "another" },
		"length of a slice: 50ms, then 100ms": func(s *rundirtest.Run) { s.Info.Plan.Slice *= 2 },
		"warm-up of a slice: 0s, then 12ms":   func(s *rundirtest.Run) { s.Info.Plan.Warmup = 12e6 },
	} {
		other := rundirtest.New(2, 4, 24)
		change(other)
		if got := fmt.Sprint(open(t, other).Compare(open(t, old)).Comparison.Differs); got != "["+want+"]" {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
