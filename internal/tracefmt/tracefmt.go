// Package tracefmt prints the calls that a trace emits: as lines for people, or as JSON for programs.
package tracefmt

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Writer prints a trace. It is not safe for concurrent use.
type Writer interface {
	// Event prints one event.
	Event(*tracer.Event) error
	// Lost flushes what was printed, and reports lost calls. Call it after each poll, with the losses since the
	// start.
	Lost(tracer.Loss) error
	// End prints the summary.
	End(tracer.Loss) error
}

// names gives every workload its own name: the first workload of a name keeps it, the others get a number.
type names map[string]uint32

func (n names) of(w profile.Workload) string {
	name := w.Name()
	if first, ok := n[name]; ok && first != w.MntNS {
		return fmt.Sprintf("%s#%d", name, w.MntNS)
	}
	n[name] = w.MntNS
	return name
}

// errnoName returns "" if ret is not a negative errno.
func errnoName(ret int) string {
	if ret >= 0 {
		return ""
	}
	return unix.ErrnoName(unix.Errno(-ret))
}

// summary adds up the calls that were printed.
type summary struct {
	start         time.Time
	calls, denied uint64
	timed         uint64
	body, slowest float64 // ns: of all timed calls, and of the slowest one
	where         string  // hook, syscall and workload of the slowest one
}

func (s *summary) add(e *tracer.Event, workload string) {
	s.calls++
	if e.Return != 0 && !e.Void {
		s.denied++
	}
	if !e.Timed {
		return
	}
	s.timed++
	s.body += e.Body
	if e.Body > s.slowest {
		s.slowest, s.where = e.Body, fmt.Sprintf("%s in %s, %s", e.Program.Hook, e.Syscall, workload)
	}
}

func (s *summary) line(loss tracer.Loss, now time.Time) string {
	line := fmt.Sprintf("%s in %s, %s denied", text.Plural(s.calls, "call"),
		text.Duration(float64(now.Sub(s.start))), text.Thousands(s.denied))
	if s.timed > 0 {
		line += fmt.Sprintf("; body %s on average, at most %s (%s)",
			text.Duration(s.body/float64(s.timed)), text.Duration(s.slowest), text.Printable(s.where))
	}
	line += fmt.Sprintf("; %s lost", text.Thousands(loss.Total()))
	if loss.Total() > 0 {
		line += " (" + byCPU(loss.Lost) + ")"
	}
	if loss.Missed > 0 {
		line += fmt.Sprintf("; the kernel hid %s from the probes", text.Plural(loss.Missed, "call"))
	}
	if loss.Damaged > 0 {
		line += fmt.Sprintf("; %s unreadable", text.Plural(loss.Damaged, "event"))
	}
	return line
}

// byCPU lists the CPUs that lost calls: `cpu 0: 12, cpu 3: 4`.
func byCPU(lost []uint64) string {
	var parts []string
	for cpu, n := range lost {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("cpu %d: %s", cpu, text.Thousands(n)))
		}
	}
	return strings.Join(parts, ", ")
}
