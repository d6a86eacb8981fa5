package tracefmt

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// TextOptions say how NewText prints.
type TextOptions struct {
	About    bool              // show what each call is about
	Programs []profile.Program // known at the start: columns are wide enough for their names
	Width    int               // of the terminal, in columns; 0: lines may be of any width
	Color    bool              // print denials in red
	Advice   string            // what to do if calls are lost
	Start    time.Time
	Now      func() time.Time // nil: time.Now
}

// Text prints one line per call, and everything else to a second writer.
type Text struct {
	TextOptions
	out      *bufio.Writer
	notes    io.Writer
	columns  []column
	shown    []int             // indexes into columns
	programs map[string]string // by hook
	several  bool              // some hook has more than one program
	names    names
	sum      summary
	notice   lossNotice
}

// column has its width, and the least width for a narrow terminal. If lines may be of any width, it grows with its
// values up to maxWidth.
type column struct {
	name  string
	left  bool
	width int
	least int
}

// maxWidth is the width, in terminal columns, that a column grows to at most.
const maxWidth = 48

// Indexes into the columns.
const (
	columnTime = iota
	columnWorkload
	columnComm
	columnPID
	columnSyscall
	columnHook
	columnProgram
	columnRules
	columnBody
	columnVerdict
	columnAbout
)

// dropOrder is the order in which columns are dropped on a narrow terminal.
var dropOrder = []int{columnComm, columnRules, columnProgram, columnSyscall, columnPID}

// NewText returns a writer of lines. Calls go to out, everything else to notes. It prints the header at once, to show
// that the trace has begun.
func NewText(out, notes io.Writer, o TextOptions) *Text {
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Text{
		TextOptions: o, out: bufio.NewWriterSize(out, 1<<16), notes: notes, programs: map[string]string{},
		names: names{}, sum: summary{start: o.Start},
		columns: []column{
			columnTime:     {"TIME", true, 15, 15},
			columnWorkload: {"WORKLOAD", true, 16, 10},
			columnComm:     {"COMM", true, 15, 8},
			columnPID:      {"PID", false, 7, 7},
			columnSyscall:  {"SYSCALL", true, 10, 8},
			columnHook:     {"HOOK", true, 4, 10},
			columnProgram:  {"PROGRAM", true, 7, 10},
			columnRules:    {"RULES", false, 5, 5},
			columnBody:     {"BODY", false, 7, 7},
			columnVerdict:  {"VERDICT", true, 13, 13},
			columnAbout:    {"ABOUT", true, 5, 12},
		},
	}
	if t.narrow() {
		t.columns[columnTime].width, t.columns[columnTime].least = 12, 12
	}
	if t.Width > 0 {
		t.columns[columnWorkload].width, t.columns[columnAbout].width = 24, 32
	}
	for _, p := range o.Programs {
		t.widen(columnHook, p.Hook)
		t.widen(columnProgram, p.Name)
		t.addProgram(p)
	}
	t.arrange()
	t.header()
	t.out.Flush() // the next flush reports an error
	return t
}

// narrow reports whether times are printed to the millisecond instead of the microsecond.
func (t *Text) narrow() bool { return t.Width > 0 && t.Width < 100 }

// addProgram notes the program of a hook. It reports whether this is the first time that a hook has a second program. A
// hook that is measured as a whole has a program without a name.
func (t *Text) addProgram(p profile.Program) (second bool) {
	name, ok := t.programs[p.Hook]
	t.programs[p.Hook] = p.Name
	if !ok || name == p.Name || t.several {
		return false
	}
	t.several = true
	return true
}

func (t *Text) widen(c int, value string) {
	t.columns[c].width = min(max(t.columns[c].width, text.Width(value)), maxWidth)
}

// Event prints a line, and the stacks below it.
func (t *Text) Event(e *tracer.Event) error {
	workload := t.names.of(e.Workload)
	t.sum.add(e, workload)
	if t.addProgram(e.Program) {
		t.arrange()
		t.header()
	}
	rules, body := "?", "-"
	if e.Rules != profile.RulesUnknown {
		rules = strconv.Itoa(e.Rules)
	}
	if e.Timed {
		body = text.Duration(e.Body)
	}
	layout := "15:04:05.000000"
	if t.narrow() {
		layout = "15:04:05.000"
	}
	t.line([]string{
		columnTime: e.Time.Format(layout), columnWorkload: workload, columnComm: e.Comm,
		columnPID: strconv.Itoa(int(e.PID)), columnSyscall: e.Syscall, columnHook: e.Program.Hook,
		columnProgram: cmp.Or(e.Program.Name, "-"), columnRules: rules, columnBody: body,
		columnVerdict: verdict(e), columnAbout: e.About,
	})
	for _, frames := range [][]profile.Frame{e.Kernel, e.User} {
		for _, f := range frames {
			fmt.Fprintf(t.out, "        %s\n", text.Printable(f.String()))
		}
	}
	return nil
}

// verdict returns `allowed`, `denied EPERM`, or `denied` with a value that is no errno.
func verdict(e *tracer.Event) string {
	switch {
	case e.Void:
		return "-"
	case e.Return == 0:
		return "allowed"
	}
	return "denied " + cmp.Or(errnoName(e.Return), strconv.Itoa(e.Return))
}

func (t *Text) header() {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	t.line(names)
}

// line prints cells, one for each column.
func (t *Text) line(cells []string) {
	var b strings.Builder
	for _, i := range t.shown {
		cell := text.Printable(cells[i])
		if t.Width == 0 {
			t.widen(i, cell)
		}
		cell = text.Shorten(cell, t.columns[i].width)
		pad := strings.Repeat(" ", t.columns[i].width-text.Width(cell))
		if t.Color && i == columnVerdict && strings.HasPrefix(cell, "denied") {
			cell = "\x1b[31m" + cell + "\x1b[0m"
		}
		if t.columns[i].left {
			b.WriteString(cell + pad + "  ")
		} else {
			b.WriteString(pad + cell + "  ")
		}
	}
	t.out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
}

// arrange chooses the columns and fits them to the terminal. The last column takes the remaining width.
func (t *Text) arrange() {
	hidden := map[int]bool{columnProgram: !t.several, columnAbout: !t.About}
	sum := func(of func(column) int) int {
		n := -2
		for i, c := range t.columns {
			if !hidden[i] {
				n += of(c) + 2
			}
		}
		return n
	}
	for _, drop := range dropOrder {
		if t.Width > 0 && sum(func(c column) int { return c.least }) > t.Width {
			hidden[drop] = true
		}
	}
	t.shown = nil
	for i := range t.columns {
		if !hidden[i] {
			t.shown = append(t.shown, i)
		}
	}
	if t.Width == 0 {
		return
	}
	rest := t.Width - sum(func(c column) int { return c.width })
	for ; rest < 0; rest++ {
		widest := t.widest(func(i int) bool { return i != columnAbout }) // the user has asked for ABOUT
		if widest < 0 {
			widest = t.widest(func(int) bool { return true })
		}
		if widest < 0 {
			return
		}
		t.columns[widest].width--
	}
	t.columns[t.shown[len(t.shown)-1]].width += rest
}

// widest returns the shown column that can be narrowed most, or -1 if none can.
func (t *Text) widest(eligible func(column int) bool) int {
	widest, most := -1, 0
	for _, i := range t.shown {
		if spare := t.columns[i].width - t.columns[i].least; t.columns[i].left && eligible(i) && spare > most {
			widest, most = i, spare
		}
	}
	return widest
}

// Lost flushes the lines, and prints at most once a second how many calls were lost.
func (t *Text) Lost(loss tracer.Loss) error {
	if line := t.notice.line(loss, t.Now()); line != "" {
		fmt.Fprintf(t.notes, "%s: they come faster than lsmprof reads them; %s\n", line, t.Advice)
	}
	return t.out.Flush()
}

// End prints the summary.
func (t *Text) End(loss tracer.Loss) error {
	if err := t.out.Flush(); err != nil {
		return err
	}
	const indent = "  "
	_, err := fmt.Fprintln(t.notes, text.Wrap(t.sum.line(loss, t.Now()), max(0, t.Width-len(indent)), indent))
	return err
}

// lossNotice formats the losses since its last notice.
type lossNotice struct {
	last tracer.Loss
	when time.Time
}

const lossInterval = time.Second

// line returns "" if nothing was lost since, or if the last notice is less than lossInterval ago.
func (n *lossNotice) line(loss tracer.Loss, now time.Time) string {
	more := loss.Total() - n.last.Total()
	if more == 0 || now.Sub(n.when) < lossInterval {
		return ""
	}
	since := make([]uint64, len(loss.Lost))
	copy(since, loss.Lost)
	for cpu, before := range n.last.Lost {
		since[cpu] -= before
	}
	n.last, n.when = loss, now
	return fmt.Sprintf("lost %s (%s), %s in all",
		text.Plural(more, "call"), byCPU(since), text.Thousands(loss.Total()))
}
