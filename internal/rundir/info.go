package rundir

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// RunSchema is the version of run.json. It changes when a field goes or changes its meaning.
const RunSchema = "lsmprof/run/v1"

// Info is run.json: where the numbers come from.
type Info struct {
	Schema      string    `json:"schema"`
	Version     string    `json:"lsmprof_version"`
	CommandLine []string  `json:"command_line"`
	Start       time.Time `json:"start"`
	Machine     Machine   `json:"machine"`
	Enforcer    string    `json:"enforcer"`
	Product     string    `json:"enforcer_version"`
	// Enforcers are the products that were found in force, by scenario. Runs of older versions lack it.
	Enforcers   map[string][]Enforcer `json:"enforcers,omitempty"`
	Suite       string                `json:"suite"`
	Calibration *profile.Calibration  `json:"calibration"` // null: not calibrated
	Plan        Plan                  `json:"plan"`
	Warnings    []string              `json:"warnings"`
}

// Enforcer is a product that had programs attached while a scenario was measured.
type Enforcer struct {
	Product  string `json:"product"`
	Version  string `json:"version,omitempty"` // empty: unknown
	Programs int    `json:"programs"`          // attached BPF programs
}

// Enforcers returns the products in force under a scenario, by name. If run.json does not list them, they come from what the
// results say about the programs that were attached.
func (r *Run) Enforcers(scenario string) []Enforcer {
	if found, ok := r.Info.Enforcers[scenario]; ok {
		return found
	}
	programs := map[string]int{}
	for i := range r.Results {
		if res := &r.Results[i]; res.Scenario == scenario && res.InForce != nil {
			for product, n := range res.InForce.Programs {
				programs[product] = max(programs[product], n)
			}
		}
	}
	var out []Enforcer
	for _, product := range slices.Sorted(maps.Keys(programs)) {
		out = append(out, Enforcer{Product: product, Programs: programs[product]})
	}
	return out
}

// The files of a run directory.
const (
	InfoFile      = "run.json"
	ResultsFile   = "results.jsonl"
	ProfilesDir   = "profiles"
	RawDir        = "raw"
	ExplainedFile = "explained.json"
	AnalysisFile  = "analysis.json"
	BenchFile     = "bench.txt"
	LockFile      = ".lock"
)

// Machine is what the numbers are of.
type Machine struct {
	Host        string   `json:"host,omitempty"` // its name; empty: unknown
	Kernel      string   `json:"kernel"`
	Build       string   `json:"kernel_build"`
	Arch        string   `json:"arch"`
	CPU         string   `json:"cpu"`
	CPUs        int      `json:"cpus"`
	Preemption  string   `json:"preemption"`
	Mitigations []string `json:"mitigations"`
	LSMs        []string `json:"lsms"`
	ClockSource string   `json:"clock_source"`
	Governor    string   `json:"governor"` // empty: the kernel does not scale frequencies, as in most virtual machines
	Hypervisor  bool     `json:"hypervisor"`
	Emulated    bool     `json:"emulated"` // by QEMU without hardware virtualisation: times mean little
	CommandLine string   `json:"kernel_command_line"`
}

// FileName makes a name fit for a file system.
func FileName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=._-", r):
			return r
		}
		return '-'
	}, s)
}
