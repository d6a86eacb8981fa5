package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/lsmprof/lsmprof/internal/cmdline"
)

func versionCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "version", Group: groupOther, Summary: "Print the version of lsmprof",
			Examples: []cmdline.Example{{What: "For a script", Command: "lsmprof version --json"}},
		},
		setup: func(f *cmdline.Flags) action {
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			return func(_ context.Context, std streams, _ []string) error {
				return std.produce(&d,
					func(std streams) error { return printVersion(std.out, d.JSON()) })
			}
		},
	}
}

// versionInfo is what `version --json` prints.
type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func printVersion(w io.Writer, asJSON bool) error {
	v := versionInfo{version(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := fmt.Fprintf(w, "lsmprof %s %s %s/%s\n", v.Version, v.Go, v.OS, v.Arch)
	return err
}

// buildVersion is set by the linker: -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=v1.2.3.
var buildVersion string

// version returns buildVersion, else the version of the module that the go command recorded: a tag or a commit.
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
