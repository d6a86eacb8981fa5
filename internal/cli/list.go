package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// listing is what `list -o json` prints. Schema lsmprof/list/v1: fields are only ever added.
type listing struct {
	Schema    string           `json:"schema"`
	Programs  []listedProgram  `json:"programs"`
	Workloads []listedWorkload `json:"workloads"`
	Warnings  []string         `json:"warnings,omitempty"`
}

type listedProgram struct {
	ID        uint32       `json:"id"`
	Name      string       `json:"name"`
	Hook      string       `json:"hook"`
	Attached  bool         `json:"attached"`
	Enforcer  string       `json:"enforcer"`
	Sleepable bool         `json:"sleepable"`
	BTF       bool         `json:"btf"`
	Holders   []lsm.Holder `json:"holders"`
}

type listedWorkload struct {
	Enforcer string         `json:"enforcer"`
	Name     string         `json:"name"`
	MntNS    uint32         `json:"mntns"`
	Mode     string         `json:"mode,omitempty"`
	Rules    enforcer.Rules `json:"rules"`
	// Mixed: its processes are under different policies, and no number is true of all.
	Mixed bool `json:"mixed,omitempty"`
}

func listCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "list", Group: groupLook,
			Summary: "List BPF LSM programs, and the rules of each workload",
			Examples: []cmdline.Example{
				{What: "Show which enforcers run, and how many rules each pod has", Command: "sudo lsmprof list"},
				{What: "The same for a script", Command: "sudo lsmprof list --json"},
				{What: "Count the rules of an enforcer that lsmprof does not know", Command: "sudo lsmprof list --rules-map my_rules"},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var known containers
			var unknown enforcerFlags
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			f.Group(cmdline.Containers)
			known.endpointFlag(f)
			unknown.flags(f)
			return func(ctx context.Context, std streams, _ []string) error {
				if err := unknown.validate(); err != nil {
					return usageError{fmt.Errorf("list: %w", err)}
				}
				return std.produce(&d, func(std streams) error { return list(ctx, std, &known, &unknown, d.JSON()) })
			}
		},
	}
}

func list(ctx context.Context, std streams, known *containers, unknown *enforcerFlags, asJSON bool) error {
	known.look(ctx)
	l, err := newListing(known, unknown.registry())
	if err != nil {
		return classify(err)
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(l)
	}
	return l.write(std.out)
}

func newListing(known *containers, registry *inforce.Registry) (*listing, error) {
	defer registry.Close()
	progs, err := registry.Look()
	if err != nil {
		return nil, err
	}
	l := &listing{Schema: "lsmprof/list/v1", Programs: []listedProgram{}, Workloads: []listedWorkload{}}
	holders, err := lsm.Holders()
	if err != nil {
		l.Warnings = append(l.Warnings, fmt.Sprintf("processes that hold programs are not shown: %v", err))
	}
	for _, p := range progs {
		l.Programs = append(l.Programs, listedProgram{
			ID: uint32(p.ID), Name: p.Name, Hook: p.Hook, Attached: p.Attached(), Enforcer: registry.Owner(p),
			Sleepable: p.Sleepable, BTF: p.HasBTF, Holders: holders[p.ID],
		})
	}
	if text := known.unlocated(); text != "" {
		l.Warnings = append(l.Warnings, text)
	}
	reading, err := registry.Read()
	if err != nil {
		return nil, err
	}
	for _, e := range reading.Enforcers {
		if e.Err != nil {
			l.Warnings = append(l.Warnings, fmt.Sprintf("%v", e.Err))
			continue
		}
		l.addWorkloads(e, known)
	}
	return l, nil
}

// addWorkloads lists the rules of one enforcer.
func (l *listing) addWorkloads(e inforce.Enforcer, known tracer.Namer) {
	if len(e.Policies) == 0 {
		return
	}
	names := tracer.Workloads(known)
	for _, ns := range slices.Sorted(maps.Keys(e.Policies)) {
		p, name := e.Policies[ns], "(every other)"
		if ns != tracer.AllWorkloads {
			name = names(ns).Name()
		} else if len(e.Policies) == 1 {
			name = "(every)"
		}
		l.Workloads = append(l.Workloads, listedWorkload{e.Name, name, ns, p.Mode, p.Rules, p.Mixed})
	}
}

func (l *listing) write(w io.Writer) error {
	if len(l.Programs) == 0 {
		_, err := fmt.Fprintln(w, "no BPF LSM program is loaded")
		return err
	}
	t := &text.Table{Header: []string{"ID", "<PROGRAM", "<HOOK", "<STATE", "<ENFORCER", "<MODE", "<HELD BY"}}
	for _, p := range l.Programs {
		t.Add(fmt.Sprint(p.ID), p.Name, p.Hook, state(p), p.Enforcer, mode(p), heldBy(p.Holders))
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if len(l.Workloads) > 0 {
		fmt.Fprintln(w)
		if err := l.writeWorkloads(w); err != nil {
			return err
		}
	}
	for _, warning := range l.Warnings {
		fmt.Fprintln(w, "warning: "+warning)
	}
	return nil
}

// writeWorkloads prints the rules of each workload by type.
func (l *listing) writeWorkloads(w io.Writer) error {
	header := []string{"<WORKLOAD", "MNTNS", "<ENFORCER", "<MODE", "FILE", "EXEC", "NET", "MOUNT", "CAP", "PTRACE"}
	others := slices.ContainsFunc(l.Workloads, func(wl listedWorkload) bool { return wl.Rules.Other > 0 })
	if others {
		header = append(header, "OTHER")
	}
	t := &text.Table{Header: header}
	for _, wl := range l.Workloads {
		cells := []string{wl.Name, fmt.Sprint(wl.MntNS), wl.Enforcer, wl.Mode}
		counts := []int{wl.Rules.File, wl.Rules.Exec, wl.Rules.Net, wl.Rules.Mount, wl.Rules.Cap, wl.Rules.Ptrace, wl.Rules.Other}
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

func state(p listedProgram) string {
	if p.Attached {
		return "attached"
	}
	return "loaded"
}

func mode(p listedProgram) string {
	if p.Sleepable {
		return "sleepable"
	}
	return "non-sleepable"
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
