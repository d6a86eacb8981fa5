package enforcer_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// programs returns the programs of the reference enforcer as tracer.Programs lists them.
func programs(t testing.TB, e *reference.Enforcer) []tracer.Program {
	t.Helper()
	own, err := e.Programs()
	if err != nil {
		t.Fatal(err)
	}
	var all []tracer.Program
	for _, p := range own {
		found := describe(t, ebpf.ProgramID(p.ID))
		found.Name, found.Hook = p.Name, p.Hook
		if !enforcer.Reference.Owns(found) {
			t.Errorf("the reference enforcer does not own its %s", p.Name)
		}
		all = append(all, found)
	}
	return all
}

func describe(t testing.TB, id ebpf.ProgramID) tracer.Program {
	t.Helper()
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	used, _ := info.MapIDs()
	return tracer.Program{ID: id, Maps: used}
}

func rules(t *testing.T, s string) reference.Policy {
	t.Helper()
	r, err := reference.ParseRules(s)
	if err != nil {
		t.Fatal(err)
	}
	return reference.Policy{Fillers: r}
}

func TestReaderOfTheReferenceEnforcer(t *testing.T) {
	vmtest.Guest(t)
	e, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := enforcer.Reference.Open(programs(t, e))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := func() enforcer.Policies {
		t.Helper()
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	confine := func(ns uint32, spec string) {
		t.Helper()
		if err := e.Confine(ns, rules(t, spec)); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("counts", func(t *testing.T) {
		if p := read(); len(p) != 0 {
			t.Errorf("policies before the first: %+v", p)
		}
		confine(7, "8")
		confine(9, "file=64,net=3")
		confine(11, "0")
		got := read()
		for ns, want := range map[uint32]enforcer.Rules{
			7: {File: 8, Exec: 8, Net: 8, Mount: 8, Cap: 8, Ptrace: 1}, 9: {File: 64, Net: 3}, 11: {},
		} {
			if got[ns].Rules != want {
				t.Errorf("namespace %d: %+v, want %+v", ns, got[ns].Rules, want)
			}
		}
		if len(got) != 3 {
			t.Errorf("%d policies, want 3", len(got))
		}
		if n, ok := got[9].Rules.ForHook("path_rename"); n != 64 || !ok {
			t.Errorf("path_rename walks %d rules (%v), want 64", n, ok)
		}
	})
	t.Run("deny rules count", func(t *testing.T) {
		p := rules(t, "file=2")
		deny, err := reference.DenyPath("/etc/shadow")
		if err != nil {
			t.Fatal(err)
		}
		p.File, p.DenyCaps = []reference.PathRule{deny}, []reference.Capability{5}
		if err := e.Confine(9, p); err != nil {
			t.Fatal(err)
		}
		if got := read()[9].Rules; got != (enforcer.Rules{File: 3, Cap: 1}) {
			t.Errorf("%+v, want 3 file rules and 1 capability", got)
		}
	})
	t.Run("every state has a generation of its own", func(t *testing.T) {
		seen := map[any]string{}
		for i, spec := range []string{
			"8", "2", "8", "8", "cap=1", "cap=2", "cap=1", "ptrace=1", "0", "ptrace=1",
		} {
			confine(7, spec)
			p := read()[7]
			if read()[7] != p {
				t.Errorf("two readings of %s have different generations", spec)
			}
			if before, ok := seen[p.Generation]; ok {
				t.Errorf("update %d, %s, has the generation of %s", i, spec, before)
			}
			seen[p.Generation] = fmt.Sprintf("update %d, %s", i, spec)
		}
	})
	t.Run("released", func(t *testing.T) {
		if err := e.Release(11); err != nil {
			t.Fatal(err)
		}
		if _, ok := read()[11]; ok {
			t.Error("a released namespace has a policy")
		}
	})
	t.Run("rules change while they are read", func(t *testing.T) {
		confine(7, "8")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := e.Confine(7, rules(t, []string{"8", "2"}[i%2])); err != nil {
					t.Error(err)
					return
				}
			}
		})
		readings := 0
		for begin := time.Now(); time.Since(begin) < 3*time.Second; readings++ {
			p := read()[7].Rules
			for _, n := range []int{p.File, p.Exec, p.Net, p.Mount} {
				if n != 8 && n != 2 {
					t.Errorf("rules %+v, want 8 or 2 of each", p)
				}
			}
		}
		close(stop)
		wg.Wait()
		t.Logf("%d readings", readings)
	})
}

func BenchmarkRead(b *testing.B) {
	vmtest.Guest(b)
	e, err := reference.Load()
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	if err := e.Confine(7, reference.Policy{Fillers: enforcer.Rules{File: 64, Exec: 64}}); err != nil {
		b.Fatal(err)
	}
	r, err := enforcer.Reference.Open(programs(b, e))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for b.Loop() {
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
