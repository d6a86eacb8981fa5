package serve

import (
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// documented is a row of the table of metrics in docs/serve.md.
type documented struct {
	types  string
	labels []string
}

// documentedMetrics returns the metrics that docs/serve.md names. A row for several has the types and labels of all.
func documentedMetrics(t *testing.T) map[string]documented {
	t.Helper()
	text, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| Metric | Type | Labels |")
	table, _, _ = strings.Cut(table, "\n\n")
	short := map[string][]string{
		"workload": {"workload", "namespace", "pod", "container"},
		"program":  {"enforcer", "hook", "program"},
	}
	names, words := regexp.MustCompile("`(lsmprof_[a-z_]+)`"), regexp.MustCompile("[a-z]+")
	all := map[string]documented{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		for _, name := range names.FindAllStringSubmatch(cells[1], -1) {
			d := documented{types: cells[2]}
			for _, word := range words.FindAllString(cells[3], -1) {
				if long := short[word]; long != nil && !strings.Contains(cells[3], "`"+word+"`") {
					d.labels = append(d.labels, long...)
				} else {
					d.labels = append(d.labels, word)
				}
			}
			all[name[1]] = d
		}
	}
	return all
}

// The table of metrics in the docs has every metric, with its type and its labels, and no other.
func TestDocsHaveTheMetrics(t *testing.T) {
	docs := documentedMetrics(t)
	s := startReplay(t, exporting(t, new(collector)))
	get := func() map[string]*dto.MetricFamily {
		_, _, text := s.get(t, "/metrics")
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return families
	}
	var got map[string]*dto.MetricFamily
	eventually(t, "metrics of calls and requests", func() bool {
		got = get()
		return got["lsmprof_calls_total"] != nil && got["lsmprof_http_requests_total"] != nil
	})
	if got["process_cpu_seconds_total"] == nil || got["process_open_fds"] == nil {
		t.Error("there are no metrics of lsmprof itself")
	}
	for name, family := range got {
		if !strings.HasPrefix(name, "lsmprof_") {
			continue
		}
		d, ok := docs[name]
		if !ok {
			t.Errorf("%s is not documented", name)
			continue
		}
		if kind := strings.ToLower(family.GetType().String()); !strings.Contains(d.types, kind) {
			t.Errorf("%s is a %s, documented as %s", name, kind, d.types)
		}
		labels := map[string]bool{}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		for label := range labels {
			if !slices.Contains(d.labels, label) {
				t.Errorf("%s has the label %s, documented are %v", name, label, d.labels)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		if got[name] == nil {
			t.Errorf("%s is documented, and not exported", name)
		}
	}
	if len(docs) < 30 {
		t.Errorf("%d metrics documented", len(docs))
	}
}

// Denials, memory of maps, trampoline slots and the time without rules are what the tracer and the enforcer say.
func TestMetricsOfTheEnforcer(t *testing.T) {
	s := startReplay(t, nil)
	value := func(name string, labels ...string) (sum float64) {
		t.Helper()
		_, _, text := s.get(t, "/metrics")
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range families[name].GetMetric() {
			text := ""
			for _, l := range m.GetLabel() {
				text += l.GetName() + "=" + l.GetValue() + ","
			}
			if !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(text, l+",") }) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return sum
	}
	eventually(t, "denials", func() bool { return value("lsmprof_denials_total") >= 2*replayedDenials })
	if got := value("lsmprof_denials_total"); math.Mod(got, replayedDenials) != 0 {
		t.Errorf("%g denials, want a multiple of %d", got, replayedDenials)
	}
	for _, m := range []struct {
		name, label string
		want        float64
	}{
		{"lsmprof_enforcer_map_bytes", "enforcer=reference", 2 << 20},
		{"lsmprof_program_map_bytes", "hook=file_open", 1 << 20},
		{"lsmprof_trampoline_programs", "hook=path_rename", 36},
		{"lsmprof_trampoline_programs_left", "hook=path_rename", 2},
	} {
		if got := value(m.name, m.label); got != m.want {
			t.Errorf("%s of %s: %g, want %g", m.name, m.label, got, m.want)
		}
	}
	for _, name := range []string{"lsmprof_probe_seconds_total", "lsmprof_measured_seconds_total"} {
		if got := value(name); got <= 0 {
			t.Errorf("%s: %g", name, got)
		}
	}
	if idle := value("lsmprof_rules_hook_seconds_total", "rules=0"); idle <= 0 ||
		idle >= value("lsmprof_rules_hook_seconds_total") {
		t.Errorf("%g s where no rule applies", idle)
	}
}

// Workloads of one name are not added up: none of them has the sum of their rules.
func TestRulesOfWorkloadsWithOneName(t *testing.T) {
	other := web
	other.MntNS++
	s := startServer(t, func(c *Config) {
		c.InForce = func() (InForce, error) {
			return InForce{Rules: []Rules{{"reference", other, "file", 5}, {"reference", web, "file", 8}}},
				nil
		}
	})
	_, _, text := s.get(t, "/metrics")
	const want = `lsmprof_rules{container="nginx",enforcer="reference",namespace="shop",pod="web-0",type="file",` +
		`workload="shop/web-0/nginx"} 8`
	if !strings.Contains(text, want) || strings.Count(text, "lsmprof_rules{") != 1 {
		t.Errorf("want %s and no other in\n%s", want, text)
	}
}

func TestSeriesOfAHistogram(t *testing.T) {
	s := startServer(t, nil) // with one set of labels
	_, _, text := s.get(t, "/metrics")
	if n := strings.Count(text, "\nlsmprof_hook_duration_seconds_"); n != 13 {
		t.Errorf("%d series, documented are 13:\n%s", n, text)
	}
}
