package listing

import (
	"bytes"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

func TestText(t *testing.T) {
	program := func(id uint32, name, hook, enforcer string) Program {
		return Program{
			ID: id, Name: name, Hook: hook, Attached: true, Enforcer: enforcer, BTF: true,
			Holders: []lsm.Holder{{PID: 812, Comm: enforcer}},
		}
	}
	reference := Listing{
		Enforcers: []Enforcer{
			{Name: "reference", Programs: 12, RulesKnown: true, Workloads: 1, Rules: 42},
		},
		Programs: []Program{program(7, "ref_file_open", "file_open", "reference")},
		Workloads: []Workload{{
			Enforcer: "reference", Name: "sh", MntNS: 4026532115,
			Rules: enforcer.Rules{File: 20, Exec: 22},
		}},
	}
	node := Listing{
		Enforcers: []Enforcer{
			{Name: "bpflock", Programs: 8, RulesKnown: true, Rules: 3, Everywhere: true},
			{Name: "generic:acme", Programs: 2},
			{Name: "varmor", Version: "v0.10.3", Programs: 14, RulesKnown: true, Workloads: 2, Rules: 118},
		},
		Pods: &Pods{Running: 8, Confined: 2},
		Programs: []Program{
			program(3, "varmor_file_open", "file_open", "varmor"),
			{ID: 4, Name: "varmor_path_link_tail", Hook: "path_link", Enforcer: "varmor", BTF: true},
			{
				ID: 9, Name: "acme_exec", Hook: "bprm_check_security", Attached: true,
				Enforcer: "generic:acme", Sleepable: true, Refused: true,
			},
		},
		Workloads: []Workload{
			{Enforcer: "bpflock", Name: "(every)", Rules: enforcer.Rules{Other: 3}},
			{
				Enforcer: "varmor", Name: "shop/db-0/postgres", MntNS: 4026532301, Mode: "enforce",
				Rules: enforcer.Rules{File: 64, Exec: 10, Net: 2},
			},
			{
				Enforcer: "varmor", Name: "shop/web-0/nginx", MntNS: 4026532300, Mode: "complain",
				Mixed: true,
			},
		},
		Warnings: []string{"1 of 3 programs refuse to be opened: an LSM protects them"},
	}
	by := 1
	withRules := node
	withRules.Workloads = slices.Clone(node.Workloads)
	withRules.Workloads[1].List = []enforcer.Rule{
		{Kind: "file", Text: "deny read,write /etc/shadow"},
		{Kind: "file", Index: 1, Text: "deny write /usr/**"},
		{Kind: "file", Index: 2, Text: "deny write /usr/bin/**", ShadowedBy: &by},
		{Kind: "net", Text: "deny connect 169.254.169.254 port 80"},
	}
	for name, c := range map[string]struct {
		l               Listing
		programs, rules bool
	}{
		"nothing": {Listing{}, true, true}, "reference": {reference, false, false},
		"reference_programs": {reference, true, false},
		"node":               {node, false, false}, "node_programs": {node, true, false},
		"node_rules": {withRules, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			o := TextOptions{Programs: c.programs, Rules: c.rules, Unknown: " (give --rules)"}
			if err := c.l.Write(&b, o); err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, name+".txt", b.Bytes())
		})
	}
}
