package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
	"github.com/lsmprof/lsmprof/profile"
)

// withLines adds samples of one program to a run: its lookup costs as much more as there are more rules.
func withLines(t *testing.T, s *rundirtest.Run) fstest.MapFS {
	t.Helper()
	for _, test := range s.Info.Plan.Tests {
		for _, in := range s.Info.Plan.Scenarios {
			e, ok := s.Explained[test.Name][in.Name]
			if !ok || in.State == rundir.Removed || in.SecondBaseline {
				continue
			}
			rules := float64(in.Rules.File)
			line := func(number int, ns float64, helpers ...profile.DocumentHelper) profile.DocumentLine {
				return profile.DocumentLine{
					Program: "ref_file_open", Function: "ref_file_open", File: "src/enforcer.bpf.c",
					Line:    number,
					Samples: 150, BodyNs: 1000 * ns, LowNs: 950 * ns, HighNs: 1050 * ns,
					Helpers: helpers,
				}
			}
			e.Lines = []profile.DocumentProgramLines{{
				Program: "ref_file_open", Hook: "file_open", Calls: 1000,
				BodyNs: 1000 * (500 + 100*rules), Samples: 300,
				Lines: []profile.DocumentLine{
					line(84, 300+100*rules, profile.DocumentHelper{
						Function: "jhash", Samples: 70,
						BodyNs: 1000 * 40 * rules,
					}),
					line(90, 200),
				},
			}}
			if in.Rules.File > 1 { // a single sample is no difference, hundreds are
				rare, many := line(80, 2), line(83, 150)
				rare.Samples, rare.LowNs, rare.HighNs = 1, 0, 11_000
				e.Lines[0].Lines = append(e.Lines[0].Lines, rare, many)
			}
			s.Explained[test.Name][in.Name] = e
		}
	}
	files := s.Files(t)
	data, err := json.Marshal(rundir.Sources{"ref_file_open": {
		{File: "src/enforcer.bpf.c", Line: 80, Text: "\tfar away"},
		{File: "src/enforcer.bpf.c", Line: 81, Text: "\tfar away, too"},
		{File: "src/enforcer.bpf.c", Line: 83, Text: "\tfor (i = 0; i < MAX; i++) {"},
		{File: "src/enforcer.bpf.c", Line: 84, Text: "\t\trule = bpf_map_lookup_elem(<rules>, &i);"},
		{File: "src/enforcer.bpf.c", Line: 90, Text: "\treturn 0;"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	files[rundir.SourcesFile] = &fstest.MapFile{Data: data}
	return files
}

func TestInsideThePrograms(t *testing.T) {
	r, err := OpenFS(withLines(t, rundirtest.New(2, 3, 5)))
	if err != nil {
		t.Fatal(err)
	}
	v := newView(r)
	in, err := v.Inside()
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Programs) != 1 || in.Programs[0].Base == "" {
		t.Fatalf("got %+v, want one program under two scenarios", in)
	}
	var b strings.Builder
	p := in.Programs[0]
	b.WriteString(p.Name + " " + p.Heading() + ", from " + p.Base + "\n")
	for _, l := range p.Lines {
		if l.Gap {
			b.WriteString("…\n")
			continue
		}
		b.WriteString(strings.TrimSpace(l.File+" "+l.Text) + "|" + l.Bar() + "|" + l.DeltaText())
		for _, h := range l.Helpers {
			b.WriteString("|" + h.Function)
		}
		b.WriteString("\n")
	}
	golden.Equal(t, "inside.txt", []byte(b.String()))

	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="inside"`, `bpf_map_lookup_elem(&lt;rules&gt;, &amp;i);`, "jhash"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestNoSamplesNoSection(t *testing.T) {
	r, err := OpenFS(rundirtest.New(2, 3, 5).Files(t))
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "Inside the programs") {
		t.Error("the page has a section about the insides of programs that nobody sampled")
	}
}

// Impossible figures, as a run directory of unknown origin may have them, are left out with the cell.
func TestImpossibleLinesAreLeftOut(t *testing.T) {
	s := rundirtest.New(2, 3, 5)
	files := withLines(t, s)
	for name, bad := range map[string]profile.DocumentProgramLines{
		"negative": {BodyNs: -1},
		"inverted": {Lines: []profile.DocumentLine{{LowNs: 2, HighNs: 1}}},
		"huge":     {Lines: []profile.DocumentLine{{Helpers: []profile.DocumentHelper{{BodyNs: 1e30}}}}},
	} {
		for test := range s.Explained {
			for scenario, e := range s.Explained[test] {
				e.Lines = []profile.DocumentProgramLines{bad}
				s.Explained[test][scenario] = e
			}
		}
		files[rundir.ExplainedFile] = s.Files(t)[rundir.ExplainedFile]
		r, err := OpenFS(files)
		if err != nil {
			t.Fatal(err)
		}
		if newView(r).HasInside() {
			t.Errorf("%s: the lines are used", name)
		}
	}
}
