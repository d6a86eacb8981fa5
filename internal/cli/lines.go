package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
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
// there are none. Lines that made no instructions are empty.
func writeSources(profilePath string, in *profile.Inside) (string, error) {
	files := in.SourceFiles()
	if len(files) == 0 {
		return "", nil
	}
	dir := sourcesOf(profilePath)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", fmt.Errorf("write sources: %w", err)
		}
		err := atomicfile.Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, files[name])
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}
