package cli

import (
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// maxLines is the default of kernel.perf_event_max_sample_rate.
const maxLines = 100_000

// linesFlag adds the flag that samples the insides of programs.
func (s *session) linesFlag(f *cmdline.Flags) {
	f.Var(cmdline.Int(&s.lines, 0, maxLines), "lines", fmt.Sprintf("Sample the insides of programs, `HZ` "+
		"times per second on each CPU (%d without a value): the functions, lines and helpers in which "+
		"they spend their time. The sources go to a folder beside the profile, for go tool pprof "+
		"-source_path.", tracer.DefaultLines))
	f.Lookup("lines").NoOptDefVal = strconv.Itoa(tracer.DefaultLines)
}

// sourcesOf returns the folder of the sources of a profile: lsmprof.sources for lsmprof.pb.gz.
func sourcesOf(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".pb") + ".sources"
}

// writeSources writes the lines of the sampled programs to a folder beside their profile, and returns its path; "" if
// there are none. Lines that made no instructions are empty. Paths come from the programs: a file that cannot be
// written, for example because another one has the name of its folder, is left out with a warning.
func writeSources(profilePath string, in *profile.Inside) string {
	files := in.SourceFiles()
	if len(files) == 0 {
		return ""
	}
	dir := sourcesOf(profilePath)
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := atomicfile.MkdirAll(filepath.Dir(path))
		if err == nil {
			err = atomicfile.WriteString(path, files[name])
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		slog.Warn(fmt.Sprintf("%s not written", text.Plural(len(failed), "source file")), "first", failed[0])
	}
	if len(failed) == len(files) {
		return ""
	}
	return dir
}
