// Package storetest hands profiles to the code of the stores that take them, where a Go module of it can be had.
package storetest

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"
	"github.com/grafana/alloy/syntax/parser"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
	pyroscope "github.com/grafana/pyroscope/pkg/pprof"
	"github.com/grafana/pyroscope/pkg/validation"
	"github.com/prometheus/common/model"

	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/profile"
)

// node returns the costs of a node with 250 pods under four numbers of rules, in more rows than Pyroscope takes.
func node(t *testing.T) *profile.Costs {
	t.Helper()
	s := profile.Snapshot{
		Start: time.Now(), Duration: 15 * time.Second,
		Programs: []profile.Program{{ID: 1, Name: "ref_file_open", Hook: "file_open", Enforcer: "reference"}},
		Calibration: profile.Calibration{
			Runs: 400, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 150},
		},
	}
	for pod := range 250 {
		for call := range 100 {
			r := profile.Row{
				Syscall: fmt.Sprint("syscall", call), Rules: 8 * (call % 4),
				Workload: profile.Workload{
					MntNS: uint32(pod + 1), Comm: "nginx", Namespace: "shop",
					Pod: fmt.Sprint("web-", pod), Container: "nginx",
				},
			}
			reading := uint64(1000 + 7*pod + call)
			r.Readings.Add(reading)
			r.Sum = reading
			s.Programs[0].Timed++
			s.Rows = append(s.Rows, r)
		}
	}
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return &costs
}

// received returns a profile as Pyroscope decodes it, and what its distributor says of it with the default limits.
func received(t *testing.T, p *pprof.Profile) (*pyroscope.Profile, error) {
	t.Helper()
	var sent, plain bytes.Buffer
	if err := p.Write(&sent); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteUncompressed(&plain); err != nil {
		t.Fatal(err)
	}
	got, err := pyroscope.RawFromBytes(sent.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return got, validation.ValidateProfile(validation.MockDefaultOverrides(), "tenant", got.Profile, plain.Len(),
		nil, model.Now())
}

// Pyroscope's own code takes a profile of a large node with for=pyroscope, and refuses the same one without. It drops
// nothing: the sums stay the same, and samples become series with the labels that the docs name.
func TestPyroscopeTakesItsProfiles(t *testing.T) {
	costs := node(t)
	whole, err := costs.Profile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := received(t, whole); err == nil {
		t.Errorf("%d samples are not refused", len(whole.Sample))
	}
	stored, err := projection.ForStore("pyroscope", costs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := received(t, stored)
	if err != nil {
		t.Fatalf("%d samples: %v", len(stored.Sample), err)
	}
	got.Normalize() // drops numeric labels, and adds up what is then equal
	want, sums := map[string]int64{}, map[string]int64{}
	for _, s := range whole.Sample {
		for i, v := range s.Value {
			want[whole.SampleType[i].Type] += v
		}
	}
	for _, s := range got.Sample {
		for i, v := range s.Value {
			sums[got.StringTable[got.SampleType[i].Type]] += v
		}
	}
	if fmt.Sprint(sums) != fmt.Sprint(want) || want["calls"] != 25_000 {
		t.Errorf("Pyroscope has %v, recorded were %v", sums, want)
	}
	series := pyroscope.GroupSamplesWithoutLabelsByKey(got.Profile, nil)
	// The cheapest samples have no labels any more. A tenant may have 5,000 series.
	if most := 250*4 + 1; len(series) < most/2 || len(series) > most {
		t.Errorf("%d series, want at most %d: one for each pod and number of rules", len(series), most)
	}
	rules := map[string]bool{}
	for _, group := range series {
		labels := []*typesv1.LabelPair{
			{Name: "__name__", Value: "lsm"}, {Name: "service_name", Value: "lsmprof"},
		}
		for _, l := range group.Labels {
			name, value := got.StringTable[l.Key], got.StringTable[l.Str]
			labels = append(labels, &typesv1.LabelPair{Name: name, Value: value})
			if name == "rules" {
				rules[value] = true
			}
		}
		if err := validation.ValidateLabels(validation.MockDefaultOverrides(), "tenant", labels); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"0", "8", "16", "24"} {
		if !rules[n] {
			t.Errorf("series have the rules %v, want %s, too", rules, n)
		}
	}
}

// Alloy's own parser reads the configuration in the docs.
func TestAlloyReadsTheConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	_, config, found := strings.Cut(string(text), "```alloy\n")
	config, _, _ = strings.Cut(config, "```")
	file, err := parser.ParseFile("stores.md", []byte(config))
	if err != nil || !found {
		t.Fatal(err)
	}
	if len(file.Body) != 2 || !slices.Contains(strings.Fields(config), "pyroscope.scrape") {
		t.Errorf("%d blocks", len(file.Body))
	}
}
