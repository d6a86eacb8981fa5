package listing

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// TextOptions say how Write prints a listing.
type TextOptions struct {
	Programs bool   // print every program
	Rules    bool   // print every rule
	Unknown  string // advice about enforcers whose rules lsmprof cannot find
}

// Write prints the listing for people.
func (l *Listing) Write(w io.Writer, o TextOptions) error {
	switch attached := slices.ContainsFunc(l.Programs, func(p Program) bool { return p.Attached }); {
	case len(l.Programs) == 0:
		fmt.Fprintln(w, "no BPF LSM program is loaded")
	case !attached:
		fmt.Fprintf(w, "%s loaded, none attached\n", text.Plural(len(l.Programs), "BPF LSM program"))
	}
	for _, e := range l.Enforcers {
		fmt.Fprintln(w, e.text(o.Unknown))
	}
	if l.Pods != nil {
		fmt.Fprintf(w, "%d of %s without a policy\n", l.Pods.Running-l.Pods.Confined,
			text.Plural(l.Pods.Running, "pod"))
	}
	if len(l.Workloads) > 0 {
		fmt.Fprintln(w)
		if err := l.writeWorkloads(w); err != nil {
			return err
		}
	}
	if o.Rules {
		if err := l.writeRules(w); err != nil {
			return err
		}
	}
	if o.Programs && len(l.Programs) > 0 {
		fmt.Fprintln(w)
		if err := l.writePrograms(w); err != nil {
			return err
		}
	}
	if err := l.writeLSMs(w); err != nil {
		return err
	}
	for _, warning := range l.Warnings {
		fmt.Fprintln(w, "warning: "+warning)
	}
	return nil
}

// text summarizes an enforcer: "varmor v0.10.3: 14 programs, 3 workloads confined, 42 rules".
func (e Enforcer) text(unknown string) string {
	s := e.Name
	if e.Version != "" {
		s += " " + e.Version
	}
	s += ": " + text.Plural(e.Programs, "program")
	switch {
	case !e.RulesKnown && strings.HasPrefix(e.Name, tracer.Generic+":"):
		return s + ", rules unknown" + unknown
	case !e.RulesKnown:
		return s + ", rules unknown"
	case e.Everywhere && e.Workloads == 0:
		s += ", every workload confined"
	case e.Everywhere:
		s += fmt.Sprintf(", every workload confined, %d of them by a policy of its own", e.Workloads)
	default:
		s += ", " + text.Plural(e.Workloads, "workload") + " confined"
	}
	return s + ", " + text.Plural(e.Rules, "rule")
}

// writeWorkloads prints the rules of each workload by kind. The mode has a column if any enforcer has modes.
func (l *Listing) writeWorkloads(w io.Writer) error {
	modes := slices.ContainsFunc(l.Workloads, func(wl Workload) bool { return wl.Mode != "" })
	others := slices.ContainsFunc(l.Workloads, func(wl Workload) bool { return wl.Rules.Other > 0 })
	header := []string{"<WORKLOAD", "MNTNS", "<ENFORCER"}
	if modes {
		header = append(header, "<MODE")
	}
	header = append(header, "FILE", "EXEC", "NET", "MOUNT", "CAP", "PTRACE")
	if others {
		header = append(header, "OTHER")
	}
	t := &text.Table{Header: header}
	for _, wl := range l.Workloads {
		cells := []string{wl.Name, strconv.FormatUint(uint64(wl.MntNS), 10), wl.Enforcer}
		if wl.MntNS == tracer.AllWorkloads {
			cells[1] = ""
		}
		if modes {
			cells = append(cells, wl.Mode)
		}
		r := wl.Rules
		counts := []int{r.File, r.Exec, r.Net, r.Mount, r.Cap, r.Ptrace, r.Other}
		for _, n := range counts[:len(header)-len(cells)] {
			if wl.Mixed {
				cells = append(cells, "mixed")
				continue
			}
			cells = append(cells, strconv.Itoa(n))
		}
		t.Add(cells...)
	}
	return t.Print(w)
}

// writeRules prints the rules of each workload.
func (l *Listing) writeRules(w io.Writer) error {
	for _, wl := range l.Workloads {
		fmt.Fprintf(w, "\n%s (%s)", wl.Name, wl.Enforcer)
		switch {
		case wl.Mixed:
			fmt.Fprintln(w, ": its processes are under different policies")
			continue
		case len(wl.List) == 0 && wl.Rules.Sum() > 0:
			fmt.Fprintln(w, ": lsmprof knows only the number of these rules")
			continue
		case len(wl.List) == 0:
			fmt.Fprintln(w, ": no rules")
			continue
		}
		fmt.Fprintln(w)
		t := &text.Table{Header: []string{"<KIND", "RULE", "<TEXT"}}
		for _, r := range wl.List {
			what := r.Text
			if r.ShadowedBy != nil {
				what += fmt.Sprintf(" (never matches: rule %d comes first and matches all of it)",
					*r.ShadowedBy)
			}
			t.Add(r.Kind, strconv.Itoa(r.Index), what)
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}

// writePrograms prints the programs. Whether one may sleep has a column if any may.
func (l *Listing) writePrograms(w io.Writer) error {
	sleepable := slices.ContainsFunc(l.Programs, func(p Program) bool { return p.Sleepable })
	header := []string{"ID", "<PROGRAM", "<HOOK", "<STATE", "<ENFORCER"}
	if sleepable {
		header = append(header, "<MODE")
	}
	t := &text.Table{Header: append(header, "<HELD BY")}
	for _, p := range l.Programs {
		cells := []string{strconv.FormatUint(uint64(p.ID), 10), p.Name, p.Hook, p.state(), p.Enforcer}
		if sleepable {
			cells = append(cells, map[bool]string{true: "sleepable"}[p.Sleepable])
		}
		t.Add(append(cells, heldBy(p.Holders))...)
	}
	return t.Print(w)
}

func (p Program) state() string {
	state := "loaded"
	if p.Attached {
		state = "attached"
	}
	if p.Refused {
		state += ", refuses to be opened"
	}
	return state
}

func heldBy(holders []lsm.Holder) string {
	if len(holders) == 0 {
		return "nobody (pinned)"
	}
	var names []string
	for _, h := range holders {
		names = append(names, fmt.Sprintf("%s[%d]", h.Comm, h.PID))
	}
	return strings.Join(names, " ")
}
