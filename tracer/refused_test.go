package tracer_test

import (
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestProgramsThatRefuseToBeOpenedAreListed(t *testing.T) {
	vmtest.Guest(t)
	open, err := lookalike.Load(lookalike.LoadSystemd, lookalike.Inner(4, 4, 8, "cgroup_hash"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	guard, err := lookalike.AttachGuard(0)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()

	progs, err := tracer.Programs()
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		hook              string
		refused, attached bool
		maps              int
	}
	got := map[string]facts{}
	for _, p := range progs {
		got[p.Name] = facts{p.Hook, p.Refused, p.Attached(), len(p.Maps)}
	}
	for name, want := range map[string]facts{
		"guard_bpf_prog":       {"bpf_prog", true, true, 0},
		"guard_bpf_map":        {"bpf_map", true, true, 0},
		"guard_bpf":            {"bpf", true, true, 0},
		"restrict_filesystems": {"file_open", false, true, 1},
	} {
		if got[name] != want {
			t.Errorf("%s: %+v, want %+v", name, got[name], want)
		}
	}
}
