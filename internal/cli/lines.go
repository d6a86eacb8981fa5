package cli

import (
	"fmt"
	"strconv"

	"github.com/lsmprof/lsmprof/internal/cmdline"
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
