package forecast

import (
	"encoding/json"
	"io"
)

// Schema is the version of the document of a forecast. It changes when a field goes or changes its meaning.
const Schema = "lsmprof/forecast/v1"

// Document is a forecast in JSON. Times are nanoseconds, shares are fractions: 0.02 is 2 %.
type Document struct {
	Schema      string          `json:"schema"`
	Version     string          `json:"lsmprof_version"`
	CommandLine []string        `json:"command_line"`
	Model       DocumentModel   `json:"model"`
	Of          string          `json:"workloads_of"` // the recording or the benchmark that the calls are from
	ShareOf     string          `json:"share_of"`     // cpu or score
	DurationNs  float64         `json:"duration_ns"`  // of a recording; 0: tests of a benchmark
	Rules       Rules           `json:"rules"`        // by type; types that are missing stay as they are
	Policy      *DocumentPolicy `json:"policy"`       // null: the rules are from --rules
	Answer      []string        `json:"answer"`       // sentences
	Total       *Forecast       `json:"total"`        // of all workloads of a recording; null for tests
	Workloads   []Forecast      `json:"workloads"`
	Budgets     []Budget        `json:"budgets"`
	Warnings    []string        `json:"warnings"`
}

// DocumentModel is a fitted model.
type DocumentModel struct {
	Origin   string    `json:"fitted_to"`
	Enforcer string    `json:"enforcer"`
	Spread   float64   `json:"run_spread"`
	Lines    []Line    `json:"lines"`
	Syscalls []Syscall `json:"syscalls"`
	Skipped  []string  `json:"not_fitted"`
}

// DocumentPolicy is the policy that the rules are from.
type DocumentPolicy struct {
	Kind     string         `json:"kind"`
	Name     string         `json:"name"`
	Enforcer string         `json:"enforcer"`
	Rules    Rules          `json:"rules"`
	Hooks    map[string]int `json:"hooks,omitempty"`
	Notes    []string       `json:"notes"`
}

// Document returns the JSON form of a model.
func (m *Model) Document() DocumentModel {
	return DocumentModel{
		m.Origin, m.Enforcer, m.Spread, append([]Line{}, m.Lines...), append([]Syscall{}, m.Syscalls...),
		append([]string{}, m.Skipped...),
	}
}

// WriteJSON writes the document.
func (d *Document) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}
