package inforce

import (
	"maps"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestRegistryOpensMapsOnce(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	const workload = 7
	e, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	confine := func(rules enforcer.Rules) {
		t.Helper()
		if err := e.Confine(workload, reference.Policy{Fillers: rules}); err != nil {
			t.Fatal(err)
		}
	}
	confine(enforcer.Rules{File: 8, Cap: 1})

	r := New(nil)
	defer r.Close()
	programs, err := tracer.Programs()
	if err != nil {
		t.Fatal(err)
	}
	r.Identify(programs)
	readings := r.ReadRules()
	if len(readings) != 1 || readings[0].Enforcer != "reference" || readings[0].Err != nil ||
		len(readings[0].Programs) != 12 {
		t.Fatalf("%+v, want the rules of the reference enforcer's 12 programs", readings)
	}
	opened := r.readers["reference"]
	fileOpen := programs[slices.IndexFunc(programs, func(p tracer.Program) bool { return p.Hook == "file_open" })]
	if got := readings[0].Policies.Rules(workload, fileOpen); got != 8 {
		t.Errorf("%s walks %d rules, want 8", fileOpen.Name, got)
	}

	confine(enforcer.Rules{File: 2})
	reading, err := r.Read()
	if err != nil || reading.Err() != nil {
		t.Fatal(err, reading.Err())
	}
	found, ok := reading.Find("reference")
	if !ok || !found.RulesKnown || len(found.Programs) != 12 {
		t.Fatalf("%+v, want 12 programs with known rules", reading)
	}
	if policy, _ := found.Policies.Of(workload); policy.Rules != (enforcer.Rules{File: 2}) {
		t.Errorf("%+v, want 2 file rules", policy.Rules)
	}
	if found.Policies.Generation(workload) == readings[0].Policies.Generation(workload) {
		t.Error("other rules have the same generation")
	}
	if r.readers["reference"].Reader != opened.Reader {
		t.Error("the maps were opened again, although the programs are the same")
	}

	if err := e.Detach(); err != nil {
		t.Fatal(err)
	}
	if reading, err := r.Read(); err != nil || len(reading.Enforcers) != 0 {
		t.Errorf("after detaching: %+v, %v; want no enforcer", reading, err)
	}
	if open := slices.Collect(maps.Keys(r.readers)); len(open) != 0 {
		t.Errorf("maps of %q are still open", open)
	}
}

func TestSourceOfRulesThatIsNotUsed(t *testing.T) {
	foreign := []tracer.Program{{Name: "foreign_file_open", Hook: "file_open"}}
	for _, c := range []struct {
		source *enforcer.RuleSource
		unused bool
	}{{nil, false}, {&enforcer.RuleSource{Number: 5}, false}, {&enforcer.RuleSource{Map: "nosuch"}, true}} {
		r := New(c.source)
		if r.SourceUnused() != (c.source != nil) {
			t.Errorf("%+v: before a reading it cannot have been used", c.source)
		}
		if _, err := r.open(foreign); err != nil || r.SourceUnused() != c.unused {
			t.Errorf("%+v: unused %v, want %v; %v", c.source, r.SourceUnused(), c.unused, err)
		}
	}
}
