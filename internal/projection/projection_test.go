package projection

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// recorded is a profile of many workloads, syscalls and numbers of rules.
func recorded(t testing.TB, workloads, syscalls int) *pprof.Profile {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	s := profile.Snapshot{
		Start: time.Unix(1, 0), Duration: time.Second,
		Calibration: profile.Calibration{
			Runs: 400, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 150},
		},
	}
	for i, hook := range []string{"file_open", "path_rename"} {
		s.Programs = append(s.Programs, profile.Program{
			ID: uint32(i + 1), Name: "ref_" + hook, Hook: hook, Enforcer: "reference",
		})
	}
	for w := range workloads {
		for call := range syscalls {
			r := profile.Row{
				Program: call % 2, Syscall: fmt.Sprint("syscall", call), Rules: w % 9,
				Denials: uint64(call % 3),
				Workload: profile.Workload{
					MntNS: uint32(w), Comm: "nginx", Namespace: "shop", Pod: fmt.Sprint("web-", w),
					Container: "nginx",
				},
			}
			if w%10 == 9 {
				r.Rules = profile.RulesUnknown
			}
			for range 3 + random.IntN(20) {
				reading := 200 + random.Uint64N(100_000)
				r.Readings.Add(reading)
				r.Sum += reading
			}
			s.Programs[r.Program].Timed += r.Readings.Count()
			s.Rows = append(s.Rows, r)
		}
	}
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	p, err := costs.Profile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sums(p *pprof.Profile) []int64 {
	total := make([]int64, len(p.SampleType))
	for _, s := range p.Sample {
		for i, v := range s.Value {
			total[i] += v
		}
	}
	return total
}

func TestProjectionsKeepSums(t *testing.T) {
	in := recorded(t, 40, 20)
	before := in.String()
	pyroscope, _ := Preset("pyroscope")
	for name, c := range map[string]struct {
		p       Projection
		samples int // 0: as many as before
	}{
		"everything":      {Projection{}, 0},
		"labels":          {Projection{Labels: []string{"namespace", "rules"}}, 0},
		"no labels":       {Projection{Labels: []string{}}, 0},
		"levels":          {Projection{Levels: []string{"hook"}, Labels: []string{"namespace"}}, 2},
		"nothing":         {Projection{Levels: []string{}, Labels: []string{}}, 1},
		"most expensive":  {Projection{MaxSamples: 10}, 10},
		"one and other":   {Projection{MaxSamples: 2}, 2},
		"beyond its size": {Projection{MaxSamples: 1 << 20}, 0},
		"bytes":           {Projection{MaxBytes: 20_000}, -1},
		"pyroscope":       {pyroscope, 0},
	} {
		out, folded, err := c.p.Apply(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := sums(out), sums(in); !slices.Equal(got, want) {
			t.Errorf("%s: sums %v, want %v", name, got, want)
		}
		if out.DefaultSampleType != in.DefaultSampleType || out.DurationNanos != in.DurationNanos ||
			len(out.SampleType) != len(in.SampleType) {
			t.Errorf("%s: the head is not that of the profile", name)
		}
		switch {
		case c.samples == -1:
			bytes, err := size(out)
			if err != nil || bytes > c.p.MaxBytes || bytes < c.p.MaxBytes*8/10 || folded == 0 {
				t.Errorf("%s: %d bytes, %d folded, %v; want most of %d", name, bytes, folded, err,
					c.p.MaxBytes)
			}
		case c.samples == 0 && (len(out.Sample) != len(in.Sample) || folded != 0):
			t.Errorf("%s: %d samples, %d folded; want %d and none", name, len(out.Sample), folded,
				len(in.Sample))
		case c.samples > 0 && len(out.Sample) != c.samples:
			t.Errorf("%s: %d samples, want %d", name, len(out.Sample), c.samples)
		}
	}
	if in.String() != before {
		t.Error("a projection changed the profile")
	}
}

func TestTheCheapestSamplesAreFolded(t *testing.T) {
	in := recorded(t, 40, 20)
	out, folded, err := Projection{MaxSamples: 10}.Apply(in)
	if err != nil || folded != len(in.Sample)-9 {
		t.Fatalf("%d of %d samples folded, %v; want all but 9", folded, len(in.Sample), err)
	}
	value := slices.IndexFunc(in.SampleType, func(t *pprof.ValueType) bool { return t.Type == profile.HookTime })
	var costs []int64
	for _, s := range in.Sample {
		costs = append(costs, s.Value[value])
	}
	slices.Sort(costs)
	for _, s := range out.Sample {
		isOther := s.Location[0].Line[0].Function.Name == Other
		if isOther != (s.Label["pod"][0] == Other) {
			t.Errorf("other is %v by its frame, the pod %q", isOther, s.Label["pod"])
		}
		if !isOther && s.Value[value] < costs[len(costs)-9] {
			t.Errorf("a sample of %d ns is kept, although nine take %d or more", s.Value[value],
				costs[len(costs)-9])
		}
	}
}

// The limits of Pyroscope hold for a node that is larger than any.
func TestPyroscopesLimits(t *testing.T) {
	in := recorded(t, 250, 40)
	p, _ := Preset("pyroscope")
	out, folded, err := p.Apply(in)
	if err != nil || folded == 0 {
		t.Fatalf("%d folded, %v", folded, err)
	}
	bytes, err := size(out)
	if err != nil || bytes > 4<<20 || len(out.Sample) > 16_000 {
		t.Errorf("%d samples in %d bytes, %v; want at most 16,000 in 4 MiB", len(out.Sample), bytes, err)
	}
	series := map[string]bool{}
	valid := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	for _, s := range out.Sample {
		if len(s.NumLabel) > 0 {
			t.Fatalf("numeric labels %v, which Pyroscope drops", s.NumLabel)
		}
		series[fmt.Sprint(s.Label)] = true
		for name := range s.Label {
			if !valid.MatchString(name) {
				t.Fatalf("%q is no name of a label in Prometheus", name)
			}
		}
	}
	if len(series) > 5000 {
		t.Errorf("%d series, want at most 5,000", len(series))
	}
}

func TestFromQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                                 "{[] [] 0 0}",
		"labels=pod,rules&max_samples=100": "{[pod rules] [] 100 0}",
		"labels=pod,pod":                   "{[pod] [] 0 0}",
		"by=hook,syscall":                  "{[] [hook syscall] 0 0}",
		"for=parca&labels=pod":             "{[pod] [] 16000 0}",
		"for=parca&max_samples=2":          "{[container enforcer namespace pod rules workload] [] 2 0}",
		"for=loki":                         `for="loki": must be one of otel, parca, pyroscope`,
		"labels=colour":                    `labels: "colour": must be of comm, container`,
		"by=pod":                           `by: "pod": must be of workload, rules, syscall, hook, program`,
		"max_samples=1":                    `max_samples="1": must be a whole number from 2 on`,
		"max_samples=1e3":                  `max_samples="1e3": must be a whole number from 2 on`,
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		p, err := FromQuery(q)
		got := fmt.Sprint(p)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestPresetsNameLabelsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, s := range recorded(t, 1, 1).Sample {
		for name := range s.Label {
			known[strings.Replace(name, "rule_count", "rules", 1)] = true
		}
	}
	for name := range known {
		if !slices.Contains(Labels(), name) {
			t.Errorf("the label %s cannot be asked for", name)
		}
	}
	for _, store := range Stores() {
		p, ok := Preset(store)
		if !ok || len(p.Labels) == 0 || len(p.Labels) > 30 {
			t.Errorf("%s: %v", store, p)
		}
		for _, name := range p.Labels {
			if !slices.Contains(Labels(), name) {
				t.Errorf("%s: no label %s", store, name)
			}
		}
	}
}

func FuzzFromQuery(f *testing.F) {
	f.Add("for=pyroscope&labels=pod&by=hook&max_samples=5")
	in := recorded(f, 3, 3)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := FromQuery(q)
		if err != nil {
			return
		}
		out, _, err := p.Apply(in)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sums(out), sums(in)) {
			t.Errorf("%q changes sums", query)
		}
	})
}
