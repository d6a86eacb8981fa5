package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// traceSchema is the version of the objects of `trace -o json`, described in docs/tracing.md: fields are only ever added.
const traceSchema = "lsmprof/trace/v1"

// Types of objects.
const (
	traceInvocation = "invocation"
	traceLost       = "lost"
	traceEnd        = "end"
)

type invocationJSON struct {
	Schema    string      `json:"schema"`
	Type      string      `json:"type"`
	Time      time.Time   `json:"time"`
	Workload  string      `json:"workload"`
	MntNS     uint32      `json:"mntns"`
	Namespace string      `json:"namespace,omitempty"`
	Pod       string      `json:"pod,omitempty"`
	Container string      `json:"container,omitempty"`
	Comm      string      `json:"comm"`
	PID       uint32      `json:"pid"`
	TID       uint32      `json:"tid"`
	CPU       int         `json:"cpu"`
	Syscall   string      `json:"syscall"`
	Hook      string      `json:"hook"`
	Program   string      `json:"program"`
	ProgramID uint32      `json:"program_id"`
	Enforcer  string      `json:"enforcer"`
	Rules     *int        `json:"rules"`   // null: unknown
	BodyNs    *float64    `json:"body_ns"` // null: no reading
	Verdict   string      `json:"verdict"` // allowed, denied, none
	Return    int         `json:"return"`
	Errno     string      `json:"errno,omitempty"`
	About     string      `json:"about,omitempty"`
	Kernel    []frameJSON `json:"kernel_stack,omitempty"`
	User      []frameJSON `json:"user_stack,omitempty"`
}

type frameJSON struct {
	Function string `json:"function,omitempty"`
	Module   string `json:"module"`
	Offset   uint64 `json:"offset"`
	Address  string `json:"address"` // hexadecimal: numbers in JSON are not good for 64 bits
}

type lossJSON struct {
	Schema      string    `json:"schema"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`
	Invocations int       `json:"invocations"` // told until now
	Lost        uint64    `json:"lost"`        // all of these are since the start
	LostByCPU   []uint64  `json:"lost_by_cpu"`
	Missed      uint64    `json:"missed"`
	Damaged     uint64    `json:"damaged"`
}

// traceJSON is one object per line.
type traceJSON struct {
	out  *bufio.Writer
	e    *json.Encoder
	now  func() time.Time
	told int
	said uint64
}

func newTraceJSON(w io.Writer, now func() time.Time) *traceJSON {
	out := bufio.NewWriterSize(w, 1<<16)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return &traceJSON{out: out, e: e, now: now}
}

func (t *traceJSON) invocation(inv *tracer.Invocation, workload string) error {
	t.told++
	doc := invocationJSON{
		Schema: traceSchema, Type: traceInvocation, Time: inv.Time, Workload: workload, MntNS: inv.Workload.MntNS,
		Namespace: inv.Workload.Namespace, Pod: inv.Workload.Pod, Container: inv.Workload.Container,
		Comm: inv.Comm, PID: inv.PID, TID: inv.TID, CPU: inv.CPU, Syscall: inv.Syscall, Hook: inv.Of.Hook, Program: inv.Of.Name,
		ProgramID: inv.Of.ID, Enforcer: inv.Of.Enforcer, Verdict: "allowed", Return: inv.Return, About: inv.About,
		Kernel: framesJSON(inv.Kernel), User: framesJSON(inv.User),
	}
	if inv.Rules != profile.RulesUnknown {
		doc.Rules = &inv.Rules
	}
	if inv.Timed {
		doc.BodyNs = &inv.Body
	}
	switch {
	case inv.Void:
		doc.Verdict = "none"
	case inv.Return != 0:
		doc.Verdict = "denied"
		doc.Errno = errnoName(inv.Return)
	}
	return t.e.Encode(doc)
}

func framesJSON(frames []profile.Frame) (out []frameJSON) {
	for _, f := range frames {
		out = append(out, frameJSON{f.Function, f.Module, f.Offset, fmt.Sprintf("%#x", f.Address)})
	}
	return out
}

func (t *traceJSON) lost(loss tracer.Loss) error {
	if n := loss.Total(); n > t.said {
		t.said = n
		if err := t.loss(traceLost, t.told, loss); err != nil {
			return err
		}
	}
	return t.out.Flush()
}

func (t *traceJSON) end(told int, loss tracer.Loss) error {
	if err := t.loss(traceEnd, told, loss); err != nil {
		return err
	}
	return t.out.Flush()
}

func (t *traceJSON) loss(kind string, told int, loss tracer.Loss) error {
	return t.e.Encode(lossJSON{traceSchema, kind, t.now(), told, loss.Total(), loss.Lost, loss.Missed, loss.Damaged})
}
