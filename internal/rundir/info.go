package rundir

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lsmprof/lsmprof/profile"
)

// RunSchema is the version of run.json. It changes when a field is removed or changes its meaning.
const RunSchema = "lsmprof/run/v1"

// Info is run.json: where the figures come from.
type Info struct {
	Schema      string    `json:"schema"`
	Version     string    `json:"lsmprof_version"`
	CommandLine []string  `json:"command_line"`
	Start       time.Time `json:"start"`
	Machine     Machine   `json:"machine"`
	Enforcer    string    `json:"enforcer"` // that the run is about; "none" or "unknown"
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

// Enforcers returns the products in force under a scenario, by name. If run.json does not list them, they come from
// what the results say about the programs that were attached.
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
	// SourcesFile has the lines of the programs that the profile runs sampled.
	SourcesFile  = "sources.json"
	AnalysisFile = "analysis.json"
	BenchFile    = "bench.txt"
	ReportFile   = "report.html" // as a bench leaves it
	LockFile     = ".lock"
)

// Machine describes the machine that was measured.
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
	// empty: the kernel does not scale frequencies, as in most virtual machines
	Governor    string `json:"governor"`
	Hypervisor  bool   `json:"hypervisor"`
	Emulated    bool   `json:"emulated"` // by QEMU without hardware virtualization: times mean little
	CommandLine string `json:"kernel_command_line"`
}

// longestName is the length in bytes of a name that becomes a file's name as it is. File systems take 255; a suffix is
// added.
const longestName = 100

// FileName returns a file name for the name of a scenario or a test, the same one every time. Letters and digits of all
// scripts stay. A name with anything else that a path or a label of benchstat could not have gets a hash, so that no
// two names become one. Plan.Check makes sure of it.
func FileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar:
			return '-'
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), strings.ContainsRune("=._-", r):
			return r
		}
		return '-'
	}, name)
	if safe == name && name != "" && name[0] != '.' && len(name) <= longestName {
		return name
	}
	safe = strings.TrimLeft(safe, ".")
	for len(safe) > longestName/2 {
		_, size := utf8.DecodeLastRuneInString(safe)
		safe = safe[:len(safe)-size]
	}
	return fmt.Sprintf("%s~%x", safe, sha256.Sum256([]byte(name)))[:len(safe)+1+10]
}
