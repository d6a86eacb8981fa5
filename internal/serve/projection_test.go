package serve

import (
	"slices"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"
)

func TestProfilesForStores(t *testing.T) {
	s := startReplay(t, nil)
	code, _, body := s.get(t, "/debug/pprof/lsm?seconds=0.5&for=pyroscope")
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	p, err := pprof.ParseData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]string{}
	for _, sample := range p.Sample {
		if len(sample.NumLabel) > 0 {
			t.Fatalf("numeric labels: %v", sample.NumLabel)
		}
		if pod := sample.Label["pod"]; len(pod) > 0 && strings.Contains(frames(sample), "hook.path_rename") {
			pods[pod[0]] = sample.Label["rules"][0]
		}
	}
	if pods["web-0"] != "8" || pods["db-0"] != "2" {
		t.Errorf("rules by pod: %v, want 8 of web-0 and 2 of db-0", pods)
	}

	code, _, body = s.get(t, "/debug/pprof/lsm?by=hook&labels=pod&max_samples=2")
	if p, err = pprof.ParseData([]byte(body)); err != nil {
		t.Fatalf("%d, %v in %s", code, err, body)
	}
	if len(p.Sample) != 2 || !slices.ContainsFunc(p.Comments, func(c string) bool {
		return strings.Contains(c, "are under other")
	}) {
		t.Errorf("%d samples, comments %q; want 2, and how many were folded", len(p.Sample), p.Comments)
	}

	for query, want := range map[string]string{
		"for=pyroscope":           "for=pyroscope: ask with seconds=N as well",
		"for=x&seconds=1":         "must be one of otel, parca, pyroscope",
		"seconds=1&labels=nosuch": "must be of comm, container",
	} {
		if code, _, body := s.get(t, "/debug/pprof/lsm?"+query); code != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q, want 400 and %q", query, code, body, want)
		}
	}
}

// frames returns the stack of a sample, leaf first.
func frames(s *pprof.Sample) string {
	var all []string
	for _, l := range s.Location {
		all = append(all, l.Line[0].Function.Name)
	}
	return strings.Join(all, " ")
}
