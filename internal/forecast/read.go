package forecast

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// most is more calls, and more nanoseconds, than any recording has.
const most = 1e18

// OpenRecording reads the file that a recording wrote: see [ReadRecording].
func OpenRecording(path string) (*profile.Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc, err := ReadRecording(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, nil
}

// ReadRecording reads what a recording wrote: its JSON document, or its pprof profile. From a profile it takes the
// labels and values of the samples, whatever their stacks are. The document of a profile has only what a forecast
// needs, and no quantiles and no calibration, so that its intervals are wider.
func ReadRecording(data []byte) (*profile.Document, error) {
	var doc *profile.Document
	var err error
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		doc, err = profile.ReadJSON(bytes.NewReader(data))
	} else {
		doc, err = readProfile(data)
	}
	switch {
	case err != nil:
		return nil, err
	case doc.DurationNs <= 0:
		return nil, errors.New("the recording has no duration, so that no share of a CPU can be computed")
	case len(doc.Rows) == 0:
		return nil, errors.New("the recording has no calls")
	}
	for i := range doc.Rows {
		r := &doc.Rows[i]
		if r.Calls > most || r.Denials > most || r.Rules != nil && (*r.Rules < 0 || *r.Rules > mostRules) {
			return nil, fmt.Errorf("row %d of the recording has impossible numbers", i+1)
		}
		for _, ns := range []float64{r.HookNs, r.MeanNs, r.P50Ns, r.P99Ns} {
			if !(ns >= 0 && ns < most) {
				return nil, fmt.Errorf("row %d of the recording has impossible times", i+1)
			}
		}
	}
	if c := doc.Calibration; c != nil {
		for _, ns := range []float64{c.Bias.Spread, c.Dispatch.Spread} {
			if !(ns >= 0 && ns < most) {
				return nil, errors.New("the recording has an impossible calibration")
			}
		}
	}
	return doc, nil
}

// readProfile returns the rows of a profile. Earlier versions called the time in hooks hook.
func readProfile(data []byte) (*profile.Document, error) {
	p, err := pprof.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("neither a document nor a profile of lsmprof record: %w", err)
	}
	calls, denials, hook := valueIndex(p, "calls"), valueIndex(p, "denials"), valueIndex(p, profile.HookTime,
		"hook")
	if calls < 0 || hook < 0 {
		return nil, errors.New("not a profile of lsmprof record: it has no calls or no time in hooks")
	}
	type key struct{ workload, syscall, hook, program, enforcer, rules string }
	rows := map[key]*profile.DocumentRow{}
	for _, s := range p.Sample {
		label := func(name string) string {
			if v := s.Label[name]; len(v) > 0 {
				return v[0]
			}
			return ""
		}
		k := key{
			label("workload"), label("syscall"), label("hook"), label("program"), label("enforcer"),
			label("rule_count"),
		}
		if k.hook == "" || s.Value[calls] < 0 || s.Value[hook] < 0 {
			continue
		}
		r := rows[k]
		if r == nil {
			r = &profile.DocumentRow{
				Workload: k.workload, Syscall: k.syscall, Hook: k.hook, Program: k.program,
				Enforcer: k.enforcer,
			}
			if n, err := strconv.Atoi(k.rules); err == nil && n >= 0 {
				r.Rules = &n
			}
			rows[k] = r
		}
		r.Calls += uint64(s.Value[calls])
		r.HookNs += float64(s.Value[hook])
		if denials >= 0 && s.Value[denials] > 0 {
			r.Denials += uint64(s.Value[denials])
		}
	}
	doc := &profile.Document{Schema: profile.Schema, DurationNs: p.DurationNanos, Machine: machineOf(p.Comments)}
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.workload, b.workload), cmp.Compare(a.syscall, b.syscall),
			cmp.Compare(a.hook, b.hook), cmp.Compare(a.program, b.program), cmp.Compare(a.enforcer,
				b.enforcer),
			cmp.Compare(a.rules, b.rules))
	})
	for _, k := range keys {
		r := *rows[k]
		r.Seen = r.Calls
		if r.Calls > 0 {
			r.MeanNs = r.HookNs / float64(r.Calls)
		}
		doc.Rows = append(doc.Rows, r)
	}
	return doc, nil
}

// machineOf reads what the comments of a profile say about its machine.
func machineOf(comments []string) (m profile.Machine) {
	for _, c := range comments {
		if rest, ok := strings.CutPrefix(c, "kernel: "); ok {
			m.Kernel, m.Arch, _ = strings.Cut(rest, " ")
		}
		if rest, ok := strings.CutPrefix(c, "CPU: "); ok {
			number, model, _ := strings.Cut(rest, " x ")
			if n, err := strconv.Atoi(number); err == nil && n > 0 {
				m.CPUs, m.CPU = n, text.Printable(model)
			}
		}
	}
	m.Kernel, m.Arch = text.Printable(m.Kernel), text.Printable(m.Arch)
	return m
}

// valueIndex returns the index of the first sample type that has one of the names, or -1.
func valueIndex(p *pprof.Profile, names ...string) int {
	for _, name := range names {
		if i := slices.IndexFunc(p.SampleType,
			func(t *pprof.ValueType) bool { return t.Type == name }); i >= 0 {
			return i
		}
	}
	return -1
}
