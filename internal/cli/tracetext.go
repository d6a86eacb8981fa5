package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// traceColumns and how wide they are at first; a longer value widens its column from then on, up to traceWidest.
var traceColumns = []struct {
	name  string
	width int
}{
	{"<TIME", 15},
	{"<WORKLOAD", 16},
	{"<COMM", 15},
	{"PID", 7},
	{"<SYSCALL", 10},
	{"<HOOK", 4},
	{"<PROGRAM", 7},
	{"RULES", 5},
	{"BODY", 7},
	{"<VERDICT", 13},
	{"<ABOUT", 5},
}

const (
	traceHook, traceProgram = 5, 6 // indexes

	traceWidest = 48
)

// traceText is one line per invocation, and what was lost on stderr.
type traceText struct {
	out    *bufio.Writer
	err    io.Writer
	width  []int
	left   []bool
	about  bool
	header bool
	notice lossNotice
}

// newTraceText makes room for the programs that are known.
func newTraceText(std streams, about bool, programs []profile.Program) *traceText {
	t := &traceText{out: bufio.NewWriterSize(std.out, 1<<16), err: std.err, about: about}
	for _, c := range traceColumns {
		t.width, t.left = append(t.width, c.width), append(t.left, c.name[0] == '<')
	}
	for _, p := range programs {
		t.width[traceHook] = min(max(t.width[traceHook], len(p.Hook)), traceWidest)
		t.width[traceProgram] = min(max(t.width[traceProgram], len(p.Name)), traceWidest)
	}
	return t
}

func (t *traceText) invocation(inv *tracer.Invocation, workload string) error {
	if !t.header {
		t.header = true
		names := make([]string, len(traceColumns))
		for i, c := range traceColumns {
			names[i] = strings.TrimPrefix(c.name, "<")
		}
		t.line(names)
	}
	rules, body, program := "?", "-", inv.Of.Name
	if inv.Rules != profile.RulesUnknown {
		rules = strconv.Itoa(inv.Rules)
	}
	if inv.Timed {
		body = text.Duration(inv.Body)
	}
	if inv.Of.Scope == profile.ScopeHook {
		program = "-"
	}
	t.line([]string{
		inv.Time.Format("15:04:05.000000"), workload, inv.Comm, strconv.Itoa(int(inv.PID)), inv.Syscall, inv.Of.Hook, program,
		rules, body, verdict(inv), inv.About,
	})
	for _, frames := range [][]profile.Frame{inv.Kernel, inv.User} {
		for _, f := range frames {
			fmt.Fprintf(t.out, "        %s\n", text.Printable(f.String()))
		}
	}
	return nil
}

func (t *traceText) line(cells []string) {
	if !t.about {
		cells = cells[:len(cells)-1]
	}
	var b strings.Builder
	for i, cell := range cells {
		cell = text.Printable(cell)
		n := utf8.RuneCountInString(cell)
		t.width[i] = min(max(t.width[i], n), traceWidest)
		pad := strings.Repeat(" ", max(0, t.width[i]-n))
		if t.left[i] {
			b.WriteString(cell + pad + "  ")
		} else {
			b.WriteString(pad + cell + "  ")
		}
	}
	t.out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
}

// verdict is `allowed`, `denied EPERM`, or what a program returned that is no errno.
func verdict(inv *tracer.Invocation) string {
	switch {
	case inv.Void:
		return "-"
	case inv.Return == 0:
		return "allowed"
	}
	return "denied " + cmp.Or(errnoName(inv.Return), strconv.Itoa(inv.Return))
}

// errnoName is "" for what is none.
func errnoName(ret int) string {
	if ret >= 0 {
		return ""
	}
	return unix.ErrnoName(unix.Errno(-ret))
}

func (t *traceText) lost(loss tracer.Loss) error {
	if line := t.notice.line(loss, time.Now()); line != "" {
		fmt.Fprintln(t.err, line)
	}
	return t.out.Flush()
}

func (t *traceText) end(told int, loss tracer.Loss) error {
	if err := t.out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(t.err, lossSummary(told, loss))
	return err
}

// lossNotice says at most once a second what was lost since it last did.
type lossNotice struct {
	said tracer.Loss
	when time.Time
}

const lossEvery = time.Second

func (n *lossNotice) line(loss tracer.Loss, now time.Time) string {
	more := loss.Total() - n.said.Total()
	if more == 0 || now.Sub(n.when) < lossEvery {
		return ""
	}
	since := make([]uint64, len(loss.Lost))
	copy(since, loss.Lost)
	for cpu, before := range n.said.Lost {
		since[cpu] -= before
	}
	n.said, n.when = loss, now
	return fmt.Sprintf("lost %s invocations (%s), %s in all: they come faster than they are read; "+
		"narrow down with --slower-than, --denied, --syscall, --hook or --sample", text.Thousands(more), byCPU(since), text.Thousands(loss.Total()))
}

// byCPU names the CPUs that have a part: `cpu 0: 12, cpu 3: 4`.
func byCPU(lost []uint64) string {
	var parts []string
	for cpu, n := range lost {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("cpu %d: %s", cpu, text.Thousands(n)))
		}
	}
	return strings.Join(parts, ", ")
}

func lossSummary(told int, loss tracer.Loss) string {
	s := fmt.Sprintf("%s invocations, %s lost", text.Thousands(uint64(told)), text.Thousands(loss.Total()))
	if loss.Total() > 0 {
		s += " (" + byCPU(loss.Lost) + ")"
	}
	if loss.Missed > 0 {
		s += fmt.Sprintf("; the kernel kept %s more from the probes", text.Thousands(loss.Missed))
	}
	if loss.Damaged > 0 {
		s += fmt.Sprintf("; %s could not be read", text.Thousands(loss.Damaged))
	}
	return s
}
