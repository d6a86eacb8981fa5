package cli

import (
	"runtime"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

// machine describes this machine for a result.
func machine() profile.Machine {
	release, _, err := kernel.Uname()
	if err != nil {
		release = "unknown"
	}
	return profile.Machine{Kernel: release, Arch: runtime.GOARCH, CPU: kernel.CPUModel(), CPUs: runtime.NumCPU()}
}
