package rundir

import (
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// RunSchema is the version of run.json. It changes when a field goes or changes its meaning.
const RunSchema = "lsmprof/run/v1"

// Info is run.json: where the numbers come from.
type Info struct {
	Schema      string               `json:"schema"`
	Version     string               `json:"lsmprof_version"`
	CommandLine []string             `json:"command_line"`
	Start       time.Time            `json:"start"`
	Machine     Machine              `json:"machine"`
	Enforcer    string               `json:"enforcer"`
	Product     string               `json:"enforcer_version"`
	Suite       string               `json:"suite"`
	Calibration *profile.Calibration `json:"calibration"` // null: not calibrated
	Plan        Plan                 `json:"plan"`
	Warnings    []string             `json:"warnings"`
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
