// Package listing says which enforcers run, which programs they have loaded and which rules are in force for each
// workload: what `lsmprof list` prints.
package listing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Listing is what `list --json` prints. Schema lsmprof/list/v1: fields are only ever added.
type Listing struct {
	Schema    string     `json:"schema"`
	Enforcers []Enforcer `json:"enforcers"`
	Pods      *Pods      `json:"pods,omitempty"` // of the container runtime, if one answers
	Programs  []Program  `json:"programs"`
	Workloads []Workload `json:"workloads"`
	LSMs      []LSM      `json:"lsms,omitempty"`     // active, in the order in which the kernel calls them
	Confined  []Confined `json:"confined,omitempty"` // by other modules than BPF
	Warnings  []string   `json:"warnings,omitempty"`
}

// Enforcer is an enforcer that has a program attached.
type Enforcer struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Programs int    `json:"programs"` // attached
	// RulesKnown is false if lsmprof does not know where the rules are, or could not read them.
	RulesKnown bool `json:"rules_known"`
	Workloads  int  `json:"workloads"` // with a policy of their own
	Rules      int  `json:"rules"`     // of all policies
	// Everywhere is set if a policy applies to all workloads without one of their own.
	Everywhere bool `json:"everywhere,omitempty"`
}

// Pods counts the pods of this machine.
type Pods struct {
	Running  int `json:"running"`
	Confined int `json:"confined"` // with a container that has a policy
}

// Program is a BPF LSM program that is loaded.
type Program struct {
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

// Workload is a mount namespace with a policy.
type Workload struct {
	Enforcer string         `json:"enforcer"`
	Name     string         `json:"name"`
	MntNS    uint32         `json:"mntns"`
	Mode     string         `json:"mode,omitempty"`
	Rules    enforcer.Rules `json:"rules"`
	// List holds the rules themselves, if they were asked for and lsmprof can decode them.
	List []enforcer.Rule `json:"list,omitempty"`
	// Mixed is set if processes of the mount namespace are under different policies: no number of rules is true of
	// all.
	Mixed bool `json:"mixed,omitempty"`
}

// Options say what New looks at.
type Options struct {
	Namer   tracer.Namer    // may be nil
	Running []cri.Container // the containers that run; nil: there is no container runtime
	Rules   bool            // decode the rules
}

// New lists what is loaded and in force. It needs root. It closes the registry's maps.
func New(registry *inforce.Registry, o Options) (*Listing, error) {
	defer registry.Close()
	programs, err := registry.Look()
	if err != nil {
		return nil, err
	}
	reading, err := registry.Read()
	if err != nil {
		return nil, err
	}
	l := &Listing{
		Schema: "lsmprof/list/v1", Enforcers: []Enforcer{}, Programs: []Program{}, Workloads: []Workload{},
	}
	l.addPrograms(programs, registry)
	names := tracer.Workloads(o.Namer)
	for _, e := range reading.Enforcers {
		l.addEnforcer(e, names)
	}
	l.addPods(o.Running, reading)
	if o.Rules {
		return l, l.addRules(registry)
	}
	return l, nil
}

// addRules adds the rules of each workload.
func (l *Listing) addRules(registry *inforce.Registry) error {
	all, err := registry.ListRules()
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Err != nil {
			l.Warnings = append(l.Warnings, e.Err.Error())
		}
		for i := range l.Workloads {
			if w := &l.Workloads[i]; w.Enforcer == e.Enforcer && !w.Mixed {
				w.List = e.Rules[w.MntNS]
			}
		}
	}
	return nil
}

func (l *Listing) addPrograms(programs []tracer.Program, registry *inforce.Registry) {
	holders, err := lsm.Holders()
	if err != nil {
		l.Warnings = append(l.Warnings, fmt.Sprintf("processes that hold programs are not shown: %v", err))
	}
	refused := 0
	for _, p := range programs {
		l.Programs = append(l.Programs, Program{
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
func (l *Listing) addEnforcer(e inforce.Enforcer, names func(mntns uint32) profile.Workload) {
	if e.Err != nil {
		l.Warnings = append(l.Warnings, e.Err.Error())
	}
	sum := Enforcer{Name: e.Name, Version: e.Version, Programs: len(e.Programs), RulesKnown: e.RulesKnown}
	var workloads []Workload
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
		workloads = append(workloads, Workload{
			Enforcer: e.Name, Name: name, MntNS: ns, Mode: p.Mode, Rules: p.Rules, Mixed: p.Mixed,
		})
	}
	slices.SortFunc(workloads, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.MntNS, b.MntNS))
	})
	l.Enforcers, l.Workloads = append(l.Enforcers, sum), append(l.Workloads, workloads...)
}

// addPods counts the pods that run, and those that an enforcer confines.
func (l *Listing) addPods(running []cri.Container, reading inforce.Reading) {
	pods := map[string]bool{} // by name: confined
	for _, c := range running {
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
	l.Pods = &Pods{Running: len(pods)}
	for _, confined := range pods {
		if confined {
			l.Pods.Confined++
		}
	}
}
