package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/listing"
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

func listedJSON(t *testing.T) (l listing.Listing) {
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
	programs := map[string]listing.Program{}
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
	vmtest.OnOneKernel(t)
	startReference(t, map[uint32]enforcer.Rules{})
	for _, p := range listedJSON(t).Programs {
		if len(p.Holders) != 1 || p.Holders[0].PID != os.Getpid() {
			t.Errorf("%s: held by %v, want process %d", p.Name, p.Holders, os.Getpid())
		}
	}
}
