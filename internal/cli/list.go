package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// listing is what `list --json` prints. Schema lsmprof/list/v1: fields are only ever added.
type listing struct {
	Schema    string           `json:"schema"`
	Enforcers []listedEnforcer `json:"enforcers"`
	Pods      *listedPods      `json:"pods,omitempty"` // of the container runtime, if one answers
	Programs  []listedProgram  `json:"programs"`
	Workloads []listedWorkload `json:"workloads"`
	Warnings  []string         `json:"warnings,omitempty"`
}

type listedEnforcer struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Programs int    `json:"programs"` // attached
	// RulesKnown is false if nothing tells where the rules are, or if they could not be read.
	RulesKnown bool `json:"rules_known"`
	Workloads  int  `json:"workloads"` // with a policy of their own
	Rules      int  `json:"rules"`     // of all policies
	// Everywhere is set if a policy applies to all workloads without one of their own.
	Everywhere bool `json:"everywhere,omitempty"`
}

type listedPods struct {
	Running  int `json:"running"`
	Confined int `json:"confined"` // with a container that has a policy
}

type listedProgram struct {
	ID        uint32       `json:"id"`
	Name      string       `json:"name"`
	Hook      string       `json:"hook"`
	Attached  bool         `json:"attached"`
	Enforcer  string       `json:"enforcer"`
	Sleepable bool         `json:"sleepable"`
	BTF       bool         `json:"btf"`
	Refused   bool         `json:"refused,omitempty"` // an LSM keeps it from being opened
	Holders   []lsm.Holder `json:"holders"`
}

type listedWorkload struct {
	Enforcer string         `json:"enforcer"`
	Name     string         `json:"name"`
	MntNS    uint32         `json:"mntns"`
	Mode     string         `json:"mode,omitempty"`
	Rules    enforcer.Rules `json:"rules"`
	// Mixed is set if processes of the mount namespace are under different policies: no number of rules is true of
	// all.
	Mixed bool `json:"mixed,omitempty"`
}

func listCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "list", Group: groupLook,
			Summary: "List enforcers, the rules of each workload, and BPF LSM programs",
			Examples: []cmdline.Example{
				{
					What:    "Show which enforcers run, and how many rules each pod has",
					Command: "sudo lsmprof list",
				},
				{
					What:    "Show their programs, too, and who holds them",
					Command: "sudo lsmprof list --programs",
				},
				{What: "The same for a script", Command: "sudo lsmprof list --json"},
				{
					What:    "Count the rules of an enforcer that lsmprof does not know",
					Command: "sudo lsmprof list --rules-map my_rules",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var known containers
			var unknown enforcerFlags
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			programs := f.Bool("programs", false, "List every BPF LSM program as well.")
			f.Group(cmdline.Containers)
			known.endpointFlag(f)
			unknown.flags(f)
			unknown.containers = &known
			return func(ctx context.Context, std streams, _ []string) error {
				if err := unknown.validate(); err != nil {
					return usageError{fmt.Errorf("list: %w", err)}
				}
				return std.produce(&d, func(std streams) error {
					return list(ctx, std, &unknown, d.JSON(), *programs)
				})
			}
		},
	}
}

func list(ctx context.Context, std streams, unknown *enforcerFlags, asJSON, programs bool) error {
	unknown.containers.look(ctx)
	l, err := newListing(unknown)
	if err != nil {
		return classify(err)
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(l)
	}
	return l.write(std.out, programs)
}

func newListing(unknown *enforcerFlags) (*listing, error) {
	registry, known := unknown.registry(), unknown.containers
	defer registry.Close()
	programs, err := registry.Look()
	if err != nil {
		return nil, err
	}
	reading, err := registry.Read()
	if err != nil {
		return nil, err
	}
	l := &listing{
		Schema: "lsmprof/list/v1", Enforcers: []listedEnforcer{}, Programs: []listedProgram{},
		Workloads: []listedWorkload{},
	}
	l.addPrograms(programs, registry)
	names := tracer.Workloads(known)
	for _, e := range reading.Enforcers {
		l.addEnforcer(e, names)
	}
	l.addPods(known, reading)
	if text := known.unlocated(); text != "" {
		l.Warnings = append(l.Warnings, text)
	}
	return l, nil
}

func (l *listing) addPrograms(programs []tracer.Program, registry *inforce.Registry) {
	holders, err := lsm.Holders()
	if err != nil {
		l.Warnings = append(l.Warnings, fmt.Sprintf("processes that hold programs are not shown: %v", err))
	}
	refused := 0
	for _, p := range programs {
		l.Programs = append(l.Programs, listedProgram{
			ID: uint32(p.ID), Name: p.Name, Hook: p.Hook, Attached: p.Attached(),
			Enforcer:  registry.Owner(p),
			Sleepable: p.Sleepable, BTF: p.HasBTF, Refused: p.Refused, Holders: holders[p.ID],
		})
		if p.Refused {
			refused++
		}
	}
	if refused > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf(
			"%d of %d programs refuse to be opened: an LSM protects them, and their rules cannot be read",
			refused, len(programs)))
	}
}

// addEnforcer adds an enforcer and the rules of each workload.
func (l *listing) addEnforcer(e inforce.Enforcer, names func(mntns uint32) profile.Workload) {
	if e.Err != nil {
		l.Warnings = append(l.Warnings, e.Err.Error())
	}
	sum := listedEnforcer{Name: e.Name, Version: e.Version, Programs: len(e.Programs), RulesKnown: e.RulesKnown}
	var workloads []listedWorkload
	for ns, p := range e.Policies {
		name := "(every other)"
		switch {
		case ns != tracer.AllWorkloads:
			name = names(ns).Name()
			sum.Workloads++
		case len(e.Policies) == 1:
			name = "(every)"
		}
		sum.Everywhere = sum.Everywhere || ns == tracer.AllWorkloads
		sum.Rules += p.Rules.Sum()
		workloads = append(workloads, listedWorkload{e.Name, name, ns, p.Mode, p.Rules, p.Mixed})
	}
	slices.SortFunc(workloads, func(a, b listedWorkload) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.MntNS, b.MntNS))
	})
	l.Enforcers, l.Workloads = append(l.Enforcers, sum), append(l.Workloads, workloads...)
}

// addPods counts the pods that run, and those that an enforcer confines.
func (l *listing) addPods(known *containers, reading inforce.Reading) {
	pods := map[string]bool{} // by name: confined
	for _, c := range known.running() {
		name := c.Namespace + "/" + c.Pod
		confined := c.Name != "" && slices.ContainsFunc(reading.Enforcers, func(e inforce.Enforcer) bool {
			_, ok := e.Policies.Of(c.MntNS)
			return ok
		})
		pods[name] = pods[name] || confined
	}
	if len(pods) == 0 {
		return
	}
	l.Pods = &listedPods{Running: len(pods)}
	for _, confined := range pods {
		if confined {
			l.Pods.Confined++
		}
	}
}

func (l *listing) write(w io.Writer, programs bool) error {
	switch attached := slices.ContainsFunc(l.Programs, func(p listedProgram) bool { return p.Attached }); {
	case len(l.Programs) == 0:
		fmt.Fprintln(w, "no BPF LSM program is loaded")
	case !attached:
		fmt.Fprintf(w, "%s loaded, none attached\n", text.Plural(len(l.Programs), "BPF LSM program"))
	}
	for _, e := range l.Enforcers {
		fmt.Fprintln(w, e)
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
	if programs && len(l.Programs) > 0 {
		fmt.Fprintln(w)
		if err := l.writePrograms(w); err != nil {
			return err
		}
	}
	for _, warning := range l.Warnings {
		fmt.Fprintln(w, "warning: "+warning)
	}
	return nil
}

// String summarizes an enforcer: "varmor v0.10.3: 14 programs, 3 workloads confined, 42 rules".
func (e listedEnforcer) String() string {
	s := e.Name
	if e.Version != "" {
		s += " " + e.Version
	}
	s += ": " + text.Plural(e.Programs, "program")
	switch {
	case !e.RulesKnown && strings.HasPrefix(e.Name, tracer.Generic+":"):
		return s + ", rules unknown (name their map with --rules-map, or give their number with --rules)"
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
func (l *listing) writeWorkloads(w io.Writer) error {
	modes := slices.ContainsFunc(l.Workloads, func(wl listedWorkload) bool { return wl.Mode != "" })
	others := slices.ContainsFunc(l.Workloads, func(wl listedWorkload) bool { return wl.Rules.Other > 0 })
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

// writePrograms prints the programs. Whether one may sleep has a column if any may.
func (l *listing) writePrograms(w io.Writer) error {
	sleepable := slices.ContainsFunc(l.Programs, func(p listedProgram) bool { return p.Sleepable })
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

func (p listedProgram) state() string {
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
