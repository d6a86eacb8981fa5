package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

func versionCommand() command {
	return command{
		name: "version", short: "print the version of lsmprof",
		run: func(_ context.Context, std streams, args []string) error {
			f := newFlags(std, "version", "", "Prints the version of lsmprof")
			if err := parseNoArgs(f, args); err != nil {
				return err
			}
			_, err := fmt.Fprintf(std.out, "lsmprof %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// buildVersion is set by the linker: -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=v1.2.3.
var buildVersion string

// version is what the build was told, else the module's version as the go command recorded it: a tag, or a commit.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// machine names the place that numbers come from.
func machine() profile.Machine {
	release, _, err := kernel.Uname()
	if err != nil {
		release = "unknown"
	}
	return profile.Machine{Kernel: release, Arch: runtime.GOARCH, CPU: kernel.CPUModel(), CPUs: runtime.NumCPU()}
}
