package enforcer_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// programMaps are the maps of programs, found from outside: by program id only.
func programMaps(t *testing.T, e *reference.Enforcer) []ebpf.MapID {
	t.Helper()
	programs, err := e.Programs()
	if err != nil {
		t.Fatal(err)
	}
	var ids []ebpf.MapID
	for _, p := range programs {
		if !enforcer.Reference.Owns(p.Name) {
			t.Errorf("the reference enforcer does not own its %s", p.Name)
		}
		prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(p.ID))
		if err != nil {
			t.Fatal(err)
		}
		info, err := prog.Info()
		prog.Close()
		if err != nil {
			t.Fatal(err)
		}
		used, _ := info.MapIDs()
		ids = append(ids, used...)
	}
	return ids
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
	r, err := enforcer.Reference.Open(programMaps(t, e))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := func() map[uint32]enforcer.Policy {
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
			t.Errorf("%+v", got)
		}
	})
	t.Run("a generation is one state", func(t *testing.T) {
		seen := map[enforcer.Generation]string{}
		for i, spec := range []string{"8", "2", "8", "8", "cap=1", "cap=2", "cap=1", "ptrace=1", "0", "ptrace=1"} {
			confine(7, spec)
			p := read()[7]
			if read()[7] != p {
				t.Errorf("two readings of %s differ", spec)
			}
			if before, ok := seen[p.Generation]; ok {
				t.Errorf("the generation of update %d, %s, is that of %s", i, spec, before)
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
	t.Run("changes under reading", func(t *testing.T) {
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
	programs, _ := e.Programs()
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(programs[0].ID))
	if err != nil {
		b.Fatal(err)
	}
	defer prog.Close()
	info, _ := prog.Info()
	ids, _ := info.MapIDs()
	r, err := enforcer.Reference.Open(ids)
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

// vArmorMaps creates maps as vArmor v0.9 to v0.10 does, and a program that uses them.
func vArmorMaps(t *testing.T, ruleSize uint32) (maps map[string]*ebpf.Map, ids []ebpf.MapID, inner *ebpf.MapSpec) {
	t.Helper()
	inner = &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: ruleSize, MaxEntries: 64}
	maps = map[string]*ebpf.Map{}
	for _, spec := range []*ebpf.MapSpec{
		{Name: "v_profile_mode", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 256},
		{Name: "v_capable", Type: ebpf.Hash, KeySize: 4, ValueSize: 16, MaxEntries: 256},
		{Name: "v_ptrace", Type: ebpf.Hash, KeySize: 4, ValueSize: 12, MaxEntries: 256},
		{Name: "v_file_outer", Type: ebpf.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 256, InnerMap: inner},
	} {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		id, _ := info.ID()
		maps[spec.Name], ids = m, append(ids, id)
	}
	return maps, ids, inner
}

func put(t *testing.T, m *ebpf.Map, key, value any) {
	t.Helper()
	if err := m.Put(key, value); err != nil {
		t.Fatal(err)
	}
}

func TestReaderOfVArmor(t *testing.T) {
	vmtest.Guest(t)
	maps, ids, innerSpec := vArmorMaps(t, 140)
	inner, err := ebpf.NewMap(innerSpec)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	for _, key := range []uint32{0, 1, 2, 4} { // the program stops at the gap
		put(t, inner, key, make([]byte, 140))
	}
	put(t, maps["v_profile_mode"], uint32(7), uint32(1))
	put(t, maps["v_profile_mode"], uint32(9), uint32(2)) // complain: no rule is walked
	put(t, maps["v_file_outer"], uint32(7), inner)
	put(t, maps["v_file_outer"], uint32(9), inner)
	put(t, maps["v_capable"], uint32(7), []byte{8: 3, 15: 1})
	put(t, maps["v_ptrace"], uint32(7), make([]byte, 12))
	r, err := enforcer.VArmor.Open(slices.Concat(ids, ids))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	if want := (enforcer.Rules{File: 3, Cap: 3, Ptrace: 1}); got[7].Rules != want || got[9].Rules != (enforcer.Rules{}) || len(got) != 2 {
		t.Errorf("%+v, want %+v in 7 and none in 9", got, want)
	}
}

func TestUnknownLayoutsAreRefusedByName(t *testing.T) {
	vmtest.Guest(t)
	maps, ids, innerSpec := vArmorMaps(t, 136) // v0.8 and before
	inner, err := ebpf.NewMap(innerSpec)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	put(t, maps["v_profile_mode"], uint32(7), uint32(1))
	put(t, maps["v_file_outer"], uint32(7), inner)
	r, err := enforcer.VArmor.Open(ids)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(); err == nil {
		t.Error("rules of an unknown size were counted")
	} else {
		t.Log(err)
	}
	if _, err := enforcer.VArmor.Open(ids[1:]); err == nil {
		t.Error("without v_profile_mode it is an older release")
	} else {
		t.Log(err)
	}
	_, again, _ := vArmorMaps(t, 140)
	if _, err := enforcer.VArmor.Open(append(ids, again...)); err == nil {
		t.Error("two instances were taken for one")
	} else {
		t.Log(err)
	}
}

func TestOwns(t *testing.T) {
	for name, want := range map[string][2]bool{ // reference, varmor
		"ref_file_open": {true, false}, "ref_sb_umount": {true, false}, "ref_other": {false, false}, "varmor_file_open": {false, true},
		"varmor_path_link_tail": {false, true}, "varmor_umount": {false, true}, "file_open": {false, false}, "": {false, false},
	} {
		if got := [2]bool{enforcer.Reference.Owns(name), enforcer.VArmor.Owns(name)}; got != want {
			t.Errorf("%q is of reference, varmor: %v; want %v", name, got, want)
		}
	}
}
