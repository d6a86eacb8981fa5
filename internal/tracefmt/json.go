package tracefmt

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Schema is the version of the objects of a JSON writer. Fields are only ever added to it.
const Schema = "lsmprof/trace/v1"

// Types of objects.
const (
	TypeCall = "invocation"
	TypeLost = "lost"
	TypeEnd  = "end"
)

type callJSON struct {
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
	BodyNs    *float64    `json:"body_ns"` // null: not timed
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
	Address  string `json:"address"` // hexadecimal: JSON numbers do not hold 64 bits
}

type lossJSON struct {
	Schema    string    `json:"schema"`
	Type      string    `json:"type"`
	Time      time.Time `json:"time"`
	Calls     int       `json:"invocations"` // printed until now
	Lost      uint64    `json:"lost"`        // this and the following: since the start
	LostByCPU []uint64  `json:"lost_by_cpu"`
	Missed    uint64    `json:"missed"`
	Damaged   uint64    `json:"damaged"`
}

// JSON prints one object per line.
type JSON struct {
	out   *bufio.Writer
	e     *json.Encoder
	now   func() time.Time
	names names
	calls int
	lost  uint64 // already reported
}

// NewJSON returns a writer of objects. now gives the time of the objects that are not calls.
func NewJSON(w io.Writer, now func() time.Time) *JSON {
	out := bufio.NewWriterSize(w, 1<<16)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return &JSON{out: out, e: e, now: now, names: names{}}
}

// Event prints an object of TypeCall.
func (j *JSON) Event(e *tracer.Event) error {
	j.calls++
	doc := callJSON{
		Schema: Schema, Type: TypeCall, Time: e.Time,
		Workload: j.names.of(e.Workload), MntNS: e.Workload.MntNS,
		Namespace: e.Workload.Namespace, Pod: e.Workload.Pod, Container: e.Workload.Container,
		Comm: e.Comm, PID: e.PID, TID: e.TID, CPU: e.CPU, Syscall: e.Syscall,
		Hook: e.Program.Hook, Program: e.Program.Name, ProgramID: e.Program.ID,
		Enforcer: e.Program.Enforcer,
		Verdict:  "allowed", Return: e.Return, About: e.About,
		Kernel: framesJSON(e.Kernel), User: framesJSON(e.User),
	}
	if e.Rules != profile.RulesUnknown {
		doc.Rules = &e.Rules
	}
	if e.Timed {
		doc.BodyNs = &e.Body
	}
	switch {
	case e.Void:
		doc.Verdict = "none"
	case e.Return != 0:
		doc.Verdict = "denied"
		doc.Errno = errnoName(e.Return)
	}
	return j.e.Encode(doc)
}

func framesJSON(frames []profile.Frame) (out []frameJSON) {
	for _, f := range frames {
		out = append(out, frameJSON{f.Function, f.Module, f.Offset, fmt.Sprintf("%#x", f.Address)})
	}
	return out
}

// Lost flushes the objects. If more calls were lost it prints an object of TypeLost.
func (j *JSON) Lost(loss tracer.Loss) error {
	if n := loss.Total(); n > j.lost {
		j.lost = n
		if err := j.loss(TypeLost, loss); err != nil {
			return err
		}
	}
	return j.out.Flush()
}

// End prints an object of TypeEnd.
func (j *JSON) End(loss tracer.Loss) error {
	if err := j.loss(TypeEnd, loss); err != nil {
		return err
	}
	return j.out.Flush()
}

func (j *JSON) loss(kind string, loss tracer.Loss) error {
	return j.e.Encode(lossJSON{
		Schema, kind, j.now(), j.calls, loss.Total(), loss.Lost, loss.Missed, loss.Damaged,
	})
}
