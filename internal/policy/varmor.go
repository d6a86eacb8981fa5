package policy

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/text"
)

// varmorPolicy has the parts of a VarmorPolicy that its BPF enforcer reads, as v0.5 to v0.10 declare them.
type varmorPolicy struct {
	Policy struct {
		Enforcer       string          `yaml:"enforcer"`
		Mode           string          `yaml:"mode"`
		EnhanceProtect *enhanceProtect `yaml:"enhanceProtect"`
	} `yaml:"policy"`
}

type enhanceProtect struct {
	Privileged            bool     `yaml:"privileged"`
	HardeningRules        []string `yaml:"hardeningRules"`
	AttackProtectionRules []struct {
		Rules   []string `yaml:"rules"`
		Targets []string `yaml:"targets"`
	} `yaml:"attackProtectionRules"`
	VulMitigationRules []string     `yaml:"vulMitigationRules"`
	Raw                varmorRawSet `yaml:"bpfRawRules"`
}

type varmorRawSet struct {
	Files     []varmorPathRule `yaml:"files"`
	Processes []varmorPathRule `yaml:"processes"`
	Network   struct {
		Sockets []varmorSocket `yaml:"sockets"`
		Egress  struct {
			Destinations []varmorDestination `yaml:"toDestinations"`
			Pods         []yaml.Node         `yaml:"toPods"`
			Services     []yaml.Node         `yaml:"toServices"`
			Others       others              `yaml:",inline"`
		} `yaml:"egress"`
		Egresses []yaml.Node `yaml:"egresses"` // until v0.7, which loads each
		Others   others      `yaml:",inline"`
	} `yaml:"network"`
	Ptrace *struct {
		Permissions []string `yaml:"permissions"`
	} `yaml:"ptrace"`
	Mounts []yaml.Node `yaml:"mounts"`
	Others others      `yaml:",inline"`
}

// others are the fields of an object that lsmprof does not know.
type others map[string]yaml.Node

type varmorPathRule struct {
	Pattern     string   `yaml:"pattern"`
	Permissions []string `yaml:"permissions"`
}

type varmorSocket struct {
	Qualifiers []string `yaml:"qualifiers"`
	Domains    []string `yaml:"domains"`
	Types      []string `yaml:"types"`
	Protocols  []string `yaml:"protocols"`
}

type varmorDestination struct {
	Qualifiers []string `yaml:"qualifiers"`
	IP         string   `yaml:"ip"`
	CIDR       string   `yaml:"cidr"`
	Ports      []struct {
		Port    uint16 `yaml:"port"`
		EndPort uint16 `yaml:"endPort"`
	} `yaml:"ports"`
}

// varmorSet adds up what a policy loads.
type varmorSet struct {
	rules.Rules
	capabilities uint64
	network      map[string]bool // rules that were added: vArmor loads equal ones once
	policy       *Policy
}

// mostVarmor is how many rules of a type vArmor loads.
const mostVarmor = 64

// countVarmor counts what vArmor's BPF enforcer loads for a container.
func countVarmor(p *Policy, spec *yaml.Node) error {
	var v varmorPolicy
	if err := spec.Decode(&v); err != nil {
		return fmt.Errorf("spec: %s", brief(err))
	}
	if !strings.Contains(strings.ToUpper(v.Policy.Enforcer), "BPF") {
		p.note("its enforcer is %q: it loads no rules for BPF LSM programs", text.Clean(v.Policy.Enforcer, 40,
			""))
		return nil
	}
	s := &varmorSet{network: map[string]bool{}, policy: p}
	switch v.Policy.Mode {
	case "AlwaysAllow":
	case "RuntimeDefault":
		s.runtimeDefault()
	case "EnhanceProtect":
		if v.Policy.EnhanceProtect == nil {
			return errors.New("the mode EnhanceProtect needs the field policy.enhanceProtect")
		}
		s.enhance(v.Policy.EnhanceProtect)
	case "BehaviorModeling":
		p.note("BehaviorModeling reports every call to user space, which a number of rules does not describe")
	default:
		return fmt.Errorf("mode %q: want AlwaysAllow, RuntimeDefault, EnhanceProtect or BehaviorModeling",
			text.Clean(v.Policy.Mode, 40, ""))
	}
	s.Cap = bits.OnesCount64(s.capabilities)
	for _, kind := range []string{rules.File, rules.Exec, rules.Net, rules.Mount} {
		if n := *s.Named(kind); n > mostVarmor {
			return fmt.Errorf("%d %s rules: vArmor loads %d of a type at most, and refuses the policy", n,
				kind,
				mostVarmor)
		}
	}
	p.Rules = s.Rules
	return nil
}

// runtimeDefault adds the rules of the mode RuntimeDefault.
func (s *varmorSet) runtimeDefault() {
	s.File, s.Mount, s.Ptrace = s.File+7, s.Mount+1, 1
}

func (s *varmorSet) enhance(e *enhanceProtect) {
	if !e.Privileged {
		s.runtimeDefault()
	}
	for _, name := range e.HardeningRules {
		s.builtIn(hardening, name, e.Privileged)
	}
	for _, name := range e.VulMitigationRules {
		s.builtIn(vulnerability, name, e.Privileged)
	}
	for _, group := range e.AttackProtectionRules {
		if len(group.Targets) > 0 {
			s.policy.note("attack protection rules for targets: the BPF enforcer loads none of them")
			continue
		}
		for _, name := range group.Rules {
			s.builtIn(attack, name, e.Privileged)
		}
	}
	s.raw(&e.Raw, e.Privileged)
}

// builtIn adds a rule that vArmor knows by name.
func (s *varmorSet) builtIn(field, name string, privileged bool) {
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")
	b, ok := varmorBuiltIn(field, name)
	switch {
	case !ok:
		s.policy.note("vArmor's BPF enforcer knows no rule %s among the %s, and loads nothing for it",
			text.Clean(name, 60, ""), field)
		return
	case b.cluster != "":
		s.policy.note("%s: one or two net rules for each address of %s, which only the cluster knows", name,
			b.cluster)
	case b.nodes != "":
		s.policy.note("%s: counted as one rule, but it is one for each %s", name, b.nodes)
	}
	s.File, s.Exec, s.Net, s.Mount = s.File+b.File, s.Exec+b.Exec, s.Net+b.Net, s.Mount+b.Mount
	if privileged {
		s.Mount += b.privilegedMounts
	}
	s.Ptrace = max(s.Ptrace, b.Ptrace)
	s.capabilities |= b.capabilities
}

// raw adds the rules that a policy spells out.
func (s *varmorSet) raw(r *varmorRawSet, privileged bool) {
	for _, rule := range append(append([]varmorPathRule{}, r.Files...), r.Processes...) {
		if permits(rule.Permissions, "all", "*", "read", "r", "write", "w", "append", "a") {
			s.File++
		}
		if permits(rule.Permissions, "all", "*", "exec", "x") {
			s.Exec++
		}
	}
	for i := range r.Network.Sockets {
		s.socket(&r.Network.Sockets[i])
	}
	for i := range r.Network.Egress.Destinations {
		s.destination(&r.Network.Egress.Destinations[i])
	}
	s.Net += len(r.Network.Egresses)
	for _, in := range []struct {
		what   string
		fields others
	}{
		{"bpfRawRules", r.Others}, {"network", r.Network.Others}, {"egress", r.Network.Egress.Others},
	} {
		if len(in.fields) > 0 {
			s.policy.note("%s: lsmprof does not know the fields %s and counts no rules for them", in.what,
				text.Clean(text.List(slices.Sorted(maps.Keys(in.fields))), 100, ""))
		}
	}
	if n := len(r.Network.Egress.Pods) + len(r.Network.Egress.Services); n > 0 {
		s.policy.note("toPods and toServices: one or more net rules for each address, which only the " +
			"cluster knows")
	}
	if r.Ptrace != nil && permits(r.Ptrace.Permissions, "all", "*", "trace", "read", "traceby", "readby") {
		s.Ptrace = 1
	}
	switch {
	case privileged:
		s.Mount += len(r.Mounts)
	case len(r.Mounts) > 0:
		s.policy.note("raw mount rules: vArmor loads them only with privileged: true")
	}
}

func permits(permissions []string, some ...string) bool {
	for _, p := range permissions {
		for _, s := range some {
			if strings.EqualFold(p, s) {
				return true
			}
		}
	}
	return false
}

// net adds a network rule, unless an equal one was added.
func (s *varmorSet) net(parts ...any) {
	if key := fmt.Sprint(parts...); !s.network[key] {
		s.network[key] = true
		s.Net++
	}
}

// socket adds a rule about creating sockets.
func (s *varmorSet) socket(r *varmorSocket) {
	s.net("socket", modeOf(r.Qualifiers), setOf(r.Domains), setOf(r.Types), setOf(r.Protocols))
}

// setOf returns words in one order, each once, and none but * if that is among them.
func setOf(words []string) (set []string) {
	for _, w := range words {
		w = strings.ToLower(w)
		if w == "all" || w == "*" {
			return []string{"*"}
		}
		set = append(set, w)
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// modeOf returns what a rule does when it matches.
func modeOf(qualifiers []string) (mode [2]bool) {
	return [2]bool{slices.Contains(qualifiers, "deny"), slices.Contains(qualifiers, "audit")}
}

// portsPerRule is how many single ports one rule holds.
const portsPerRule = 16

// destination adds the rules about connecting to a destination: one for each range of ports, and one for up to 16
// single ports. The name localhost stands for an IPv4 and an IPv6 address.
func (s *varmorSet) destination(d *varmorDestination) {
	addresses := []string{d.IP}
	if d.IP == "localhost" {
		addresses = []string{"127.0.0.1", "::1"}
	}
	var single []uint16
	var ranges [][2]uint16
	for _, p := range d.Ports {
		if p.EndPort != 0 && p.EndPort != p.Port {
			ranges = append(ranges, [2]uint16{p.Port, p.EndPort})
		} else if !slices.Contains(single, p.Port) {
			single = append(single, p.Port)
		}
	}
	for _, ip := range addresses {
		at := fmt.Sprint("connect ", modeOf(d.Qualifiers), d.CIDR, " ", ip, " ")
		for _, r := range ranges {
			s.net(at, "from", r[0], "to", r[1])
		}
		for some := range slices.Chunk(single, portsPerRule) {
			s.net(at, some)
		}
		if len(d.Ports) == 0 {
			s.net(at)
		}
	}
}
