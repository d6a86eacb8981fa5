package policy

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/text"
)

// kubearmorPolicy has the parts of a KubeArmorPolicy that its BPF LSM enforcer reads.
type kubearmorPolicy struct {
	Process struct {
		Action      string           `yaml:"action"`
		Paths       []kubearmorMatch `yaml:"matchPaths"`
		Directories []kubearmorMatch `yaml:"matchDirectories"`
		Patterns    []yaml.Node      `yaml:"matchPatterns"`
	} `yaml:"process"`
	File struct {
		Action      string           `yaml:"action"`
		Paths       []kubearmorMatch `yaml:"matchPaths"`
		Directories []kubearmorMatch `yaml:"matchDirectories"`
		Patterns    []yaml.Node      `yaml:"matchPatterns"`
	} `yaml:"file"`
	Network struct {
		Action    string           `yaml:"action"`
		Protocols []kubearmorMatch `yaml:"matchProtocols"`
		Domains   []kubearmorMatch `yaml:"matchDNSQueries"`
	} `yaml:"network"`
	Capabilities struct {
		Action       string           `yaml:"action"`
		Capabilities []kubearmorMatch `yaml:"matchCapabilities"`
	} `yaml:"capabilities"`
	Syscalls yaml.Node   `yaml:"syscalls"`
	Device   yaml.Node   `yaml:"device"`
	Presets  []yaml.Node `yaml:"presets"`
	Action   string      `yaml:"action"`
}

// kubearmorMatch is one entry of any list. What it is about is in one of the first fields.
type kubearmorMatch struct {
	Path       string `yaml:"path"`
	ExecName   string `yaml:"execname"`
	Directory  string `yaml:"dir"`
	Protocol   string `yaml:"protocol"`
	Domain     string `yaml:"domain"`
	Capability string `yaml:"capability"`
	FromSource []struct {
		Path string `yaml:"path"`
	} `yaml:"fromSource"`
	Action string `yaml:"action"`
}

// countKubeArmor counts what the BPF LSM enforcer puts into a container's map, as lsmprof counts it there: one rule for
// each thing and each program that it is for. It loads no patterns, and no rules that only audit.
func countKubeArmor(p *Policy, spec *yaml.Node) error {
	var k kubearmorPolicy
	if err := spec.Decode(&k); err != nil {
		return fmt.Errorf("spec: %s", brief(err))
	}
	audited := 0
	count := func(into *int, section string, matches []kubearmorMatch, name func(*kubearmorMatch) string) error {
		seen := map[[2]string]bool{}
		for i := range matches {
			m := &matches[i]
			thing := name(m)
			if thing == "" {
				return fmt.Errorf("entry %d does not say what it is about", i+1)
			}
			switch action := firstOf(m.Action, section, k.Action); strings.ToLower(action) {
			case "", "block", "allow":
			case "audit":
				audited++
				continue
			default:
				return fmt.Errorf("action %q: want Allow, Audit or Block", text.Clean(action, 20, ""))
			}
			sources := []string{""}
			if len(m.FromSource) > 0 {
				sources = nil
				for _, s := range m.FromSource {
					sources = append(sources, s.Path)
				}
			}
			for _, s := range sources {
				seen[[2]string{thing, s}] = true
			}
		}
		*into += len(seen)
		return nil
	}
	process := func(m *kubearmorMatch) string { return firstOf(m.ExecName, m.Path) }
	path := func(m *kubearmorMatch) string { return m.Path }
	directory := func(m *kubearmorMatch) string { return m.Directory }
	for _, list := range []struct {
		name    string
		into    *int
		action  string
		matches []kubearmorMatch
		thing   func(*kubearmorMatch) string
	}{
		{"process.matchPaths", &p.Rules.Exec, k.Process.Action, k.Process.Paths, process},
		{"process.matchDirectories", &p.Rules.Exec, k.Process.Action, k.Process.Directories, directory},
		{"file.matchPaths", &p.Rules.File, k.File.Action, k.File.Paths, path},
		{"file.matchDirectories", &p.Rules.File, k.File.Action, k.File.Directories, directory},
		{
			"network.matchProtocols", &p.Rules.Net, k.Network.Action, k.Network.Protocols,
			func(m *kubearmorMatch) string {
				return strings.ToUpper(m.Protocol)
			},
		},
		{
			"network.matchDNSQueries", &p.Rules.Net, k.Network.Action, k.Network.Domains,
			func(m *kubearmorMatch) string {
				return strings.Trim(m.Domain, ".")
			},
		},
		{
			"capabilities.matchCapabilities", &p.Rules.Cap, k.Capabilities.Action,
			k.Capabilities.Capabilities,
			func(m *kubearmorMatch) string {
				return strings.TrimPrefix(strings.ToLower(m.Capability),
					"cap_")
			},
		},
	} {
		if err := count(list.into, list.action, list.matches, list.thing); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
	}
	if n := len(k.Process.Patterns) + len(k.File.Patterns); n > 0 {
		p.note("matchPatterns (%d): KubeArmor's BPF LSM enforcer loads none", n)
	}
	if audited > 0 {
		p.note("rules with the action Audit (%d): KubeArmor's BPF LSM enforcer loads none", audited)
	}
	if k.Syscalls.Kind != 0 || k.Device.Kind != 0 {
		p.note("syscalls and devices are no rules of BPF LSM programs")
	}
	if len(k.Presets) > 0 {
		p.note("presets (%d): they have programs of their own, which this forecast lacks", len(k.Presets))
	}
	return nil
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
