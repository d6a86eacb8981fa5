package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func listed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := Main(append([]string{"list"}, args...), nil, &out, os.Stderr); code != 0 {
		t.Fatalf("exit status %d", code)
	}
	return out.String()
}

func listedJSON(t *testing.T) (l listing) {
	t.Helper()
	if err := json.Unmarshal([]byte(listed(t, "--json")), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestList(t *testing.T) {
	vmtest.Guest(t)
	w := startWorkload(t)
	rules := enforcer.Rules{File: 8, Exec: 4, Net: 2, Mount: 1, Cap: 3, Ptrace: 1}
	e := startReference(t, map[uint32]enforcer.Rules{w.mntns: rules})
	l := listedJSON(t)
	programs := map[string]listedProgram{}
	for _, p := range l.Programs {
		programs[p.Name] = p
	}
	want, err := e.Programs()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != 12 || len(l.Programs) != len(want) {
		t.Errorf("%d programs listed, %d loaded, want 12", len(l.Programs), len(want))
	}
	for _, p := range want {
		got := programs[p.Name]
		if got.ID != p.ID || got.Hook != p.Hook || !got.Attached || got.Enforcer != "reference" ||
			got.Sleepable || !got.BTF {
			t.Errorf("%+v, want %+v, attached and not sleepable", got, p)
		}
	}
	if len(l.Workloads) != 1 || l.Workloads[0].MntNS != w.mntns {
		t.Fatalf("workloads %+v, want mount namespace %d", l.Workloads, w.mntns)
	}
	if got := l.Workloads[0].Rules; got != rules {
		t.Errorf("rules %+v, want %+v", got, rules)
	}
	rules = enforcer.Rules{File: 2}
	if err := e.Confine(w.mntns, reference.Policy{Fillers: rules}); err != nil {
		t.Fatal(err)
	}
	if got := listedJSON(t).Workloads[0].Rules; got != rules {
		t.Errorf("after the change: %+v, want %+v", got, rules)
	}

	text := listed(t)
	if !strings.HasPrefix(text, "reference: 12 programs, 1 workload confined, 2 rules\n") ||
		strings.Contains(text, "ref_bprm_check_security") {
		t.Errorf("want a summary, and no programs:\n%s", text)
	}
	if text := listed(t, "--programs"); !strings.Contains(text,
		"ref_bprm_check_security  bprm_check_security  attached  reference") {
		t.Errorf("want programs:\n%s", text)
	}
	if err := e.Detach(); err != nil {
		t.Fatal(err)
	}
	for _, p := range listedJSON(t).Programs {
		if p.Attached {
			t.Errorf("%s is listed as attached", p.Name)
		}
	}
}

func TestListNamesHolders(t *testing.T) {
	vmtest.Guest(t)
	startReference(t, map[uint32]enforcer.Rules{})
	for _, p := range listedJSON(t).Programs {
		if len(p.Holders) != 1 || p.Holders[0].PID != os.Getpid() {
			t.Errorf("%s: held by %v, want process %d", p.Name, p.Holders, os.Getpid())
		}
	}
}

func TestListingText(t *testing.T) {
	program := func(id uint32, name, hook, enforcer string) listedProgram {
		return listedProgram{
			ID: id, Name: name, Hook: hook, Attached: true, Enforcer: enforcer, BTF: true,
			Holders: []lsm.Holder{{PID: 812, Comm: enforcer}},
		}
	}
	reference := listing{
		Enforcers: []listedEnforcer{
			{Name: "reference", Programs: 12, RulesKnown: true, Workloads: 1, Rules: 42},
		},
		Programs: []listedProgram{program(7, "ref_file_open", "file_open", "reference")},
		Workloads: []listedWorkload{{
			Enforcer: "reference", Name: "sh", MntNS: 4026532115,
			Rules: enforcer.Rules{File: 20, Exec: 22},
		}},
	}
	node := listing{
		Enforcers: []listedEnforcer{
			{Name: "bpflock", Programs: 8, RulesKnown: true, Rules: 3, Everywhere: true},
			{Name: "generic:acme", Programs: 2},
			{Name: "varmor", Version: "v0.10.3", Programs: 14, RulesKnown: true, Workloads: 2, Rules: 118},
		},
		Pods: &listedPods{Running: 8, Confined: 2},
		Programs: []listedProgram{
			program(3, "varmor_file_open", "file_open", "varmor"),
			{ID: 4, Name: "varmor_path_link_tail", Hook: "path_link", Enforcer: "varmor", BTF: true},
			{
				ID: 9, Name: "acme_exec", Hook: "bprm_check_security", Attached: true,
				Enforcer: "generic:acme", Sleepable: true, Refused: true,
			},
		},
		Workloads: []listedWorkload{
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
	for name, c := range map[string]struct {
		l        listing
		programs bool
	}{
		"nothing": {listing{}, true}, "reference": {reference, false}, "reference_programs": {reference, true},
		"node": {node, false}, "node_programs": {node, true},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.l.write(&b, c.programs); err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, "list_"+name+".txt", b.Bytes())
		})
	}
}
