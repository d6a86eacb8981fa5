package projection

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// presets hold the default limits of stores.
//
// Pyroscope (v1.x, pkg/validation/limits.go): 16,000 samples and 4 MiB a profile, 30 labels a series, 5,000 series a
// tenant, so labels are few: what varies most, syscall, hook and program, is in the stack. Parca and the OpenTelemetry
// Collector have no such limits; fewer labels keep their series few.
var presets = map[string]Projection{
	"pyroscope": {
		Labels:     []string{"container", "enforcer", "namespace", "pod", "rules", "workload"},
		MaxSamples: 16_000, MaxBytes: 4 << 20,
	},
	"parca": {
		Labels:     []string{"container", "enforcer", "namespace", "pod", "rules", "workload"},
		MaxSamples: 16_000,
	},
	"otel": {
		Labels: []string{
			"container", "container_id", "enforcer", "hook", "namespace", "pod", "program", "rules",
			"syscall", "workload",
		},
		MaxSamples: 16_000,
	},
}

// Preset returns the projection for a store, and whether there is one.
func Preset(store string) (Projection, bool) {
	p, ok := presets[store]
	p.Labels = slices.Clone(p.Labels)
	return p, ok
}

// ForStore returns the costs as a profile that a store takes. It fails if the store has no preset.
func ForStore(store string, costs *profile.Costs) (*pprof.Profile, error) {
	shape, ok := Preset(store)
	if !ok {
		return nil, fmt.Errorf("store %q: must be one of %s", store, strings.Join(Stores(), ", "))
	}
	p, err := costs.Profile()
	if err != nil {
		return nil, err
	}
	p, _, err = shape.Apply(p)
	return p, err
}

// Stores returns the names of the presets.
func Stores() []string { return []string{"otel", "parca", "pyroscope"} }

// FromQuery reads the parameters of a request: for=STORE, labels=A,B, by=LEVEL,LEVEL and max_samples=N. The others
// replace what a store's preset says. The error names the parameter and what it may be.
func FromQuery(q url.Values) (p Projection, err error) {
	if store := q.Get("for"); store != "" {
		var ok bool
		if p, ok = Preset(store); !ok {
			return p, fmt.Errorf("for=%q: must be one of %s", store, strings.Join(Stores(), ", "))
		}
	}
	if q.Has("labels") {
		if p.Labels, err = list("labels", q.Get("labels"), Labels()); err != nil {
			return p, err
		}
	}
	if q.Has("by") {
		if p.Levels, err = list("by", q.Get("by"), Levels()); err != nil {
			return p, err
		}
	}
	if text := q.Get("max_samples"); text != "" {
		if p.MaxSamples, err = strconv.Atoi(text); err != nil || p.MaxSamples < minSamples {
			return p, fmt.Errorf("max_samples=%q: must be a whole number from %d on", text, minSamples)
		}
	}
	return p, nil
}

// list reads a list of known words. An empty one is no word.
func list(parameter, text string, known []string) ([]string, error) {
	words := []string{}
	if text == "" {
		return words, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		if !slices.Contains(known, word) {
			return nil, fmt.Errorf("%s: %q: must be of %s", parameter, word, strings.Join(known, ", "))
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words, nil
}
