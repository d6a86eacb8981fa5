package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/listing"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// lookAlike loads a look-alike of a product, which stays loaded until the test ends.
func lookAlike[E interface{ Close() error }](t *testing.T, load func() (E, error)) E {
	t.Helper()
	e, err := load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inForce returns what `lsmprof list` shows for a workload, and whether it shows anything.
func inForce(t *testing.T, mntns uint32, args ...string) (listing.Workload, bool) {
	t.Helper()
	var l listing.Listing
	must(t, json.Unmarshal([]byte(listed(t, append(args, "--json")...)), &l))
	i := slices.IndexFunc(l.Workloads, func(w listing.Workload) bool { return w.MntNS == mntns })
	if i < 0 {
		return listing.Workload{}, false
	}
	return l.Workloads[i], true
}

func wantInForce(t *testing.T, mntns uint32, enforcerName, mode string, want enforcer.Rules, args ...string) {
	t.Helper()
	got, ok := inForce(t, mntns, args...)
	if !ok || got.Enforcer != enforcerName || got.Mode != mode || got.Rules != want || got.Mixed {
		t.Errorf("list: %+v (%v), want %s, mode %q, %+v\n%s", got, ok, enforcerName, mode, want,
			listed(t, args...))
	}
	// The rules that are printed are those that are counted.
	if got, _ = inForce(t, mntns, append(args, "--rules")...); len(got.List) == 0 {
		return
	}
	var printed enforcer.Rules
	for _, r := range got.List {
		*printed.Named(r.Kind)++
		if r.Text == "" {
			t.Errorf("%s rule %d has no text", r.Kind, r.Index)
		}
	}
	if printed != want {
		t.Errorf("list --rules prints %+v, want %+v: %+v", printed, want, got.List)
	}
}

// recorded runs `lsmprof record` while a workload does each operation 10 times, and checks that these calls are in the
// profile. The operations are given as `SYSCALL HOOK RULES`.
func recorded(t *testing.T, w *workload, want []string, args ...string) {
	t.Helper()
	r := startRecord(t, args...)
	for _, key := range want {
		operation, _, _ := strings.Cut(key, " ")
		w.do(strings.TrimSuffix(operation, "at")+map[bool]string{true: "at"}[operation == "openat"], 10)
	}
	got := calls(r.finish(), w.mntns)
	for _, key := range want {
		if !r.all(got[key], 10) {
			t.Errorf("record: %s: %d calls, want 10; all: %v; %s", key, got[key], got, r.stderr.String())
		}
	}
}

func TestVArmor(t *testing.T) {
	vmtest.Guest(t)
	rules := enforcer.Rules{File: 8, Exec: 4, Net: 2, Mount: 1, Cap: 3, Ptrace: 1}
	for _, layout := range lookalike.VArmorLayouts {
		t.Run(layout.Name, func(t *testing.T) {
			if !layout.Modes {
				vmtest.OnOneKernel(t)
			}
			w := startWorkload(t)
			v := lookAlike(t, layout.Load)
			if got, ok := inForce(t, w.mntns); ok {
				t.Errorf("list shows an unconfined workload: %+v", got)
			}
			must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, rules))
			mode := map[bool]string{true: enforcer.Enforce}[layout.Modes]
			wantInForce(t, w.mntns, "varmor", mode, rules)
			got := listedJSON(t).Enforcers
			if layout.Modes && (len(got) != 1 || got[0].Version != layout.Name) {
				t.Errorf("list: %+v, want the version %s, which the layout tells", got, layout.Name)
			}
			recorded(t, w, []string{
				"openat file_open 8", "execve bprm_check_security 4", "connect socket_connect 2",
				"socket socket_create 2", "mount sb_mount 1",
				"renameat path_rename 8", "symlinkat path_symlink 8", "linkat path_link 8",
			})

			must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, enforcer.Rules{File: 50}))
			wantInForce(t, w.mntns, "varmor", mode, enforcer.Rules{File: 50})
			if layout.Modes {
				must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, enforcer.Rules{}))
				wantInForce(t, w.mntns, "varmor", enforcer.Allow, enforcer.Rules{}) // AlwaysAllow
				must(t, v.Confine(w.mntns, lookalike.VArmorComplain, rules))
				wantInForce(t, w.mntns, "varmor", enforcer.Complain, enforcer.Rules{})
				recorded(t, w, []string{"openat file_open 0"}, "--hook", "file_open")
			}
			must(t, v.Release(w.mntns))
			if got, ok := inForce(t, w.mntns); ok {
				t.Errorf("list shows a released workload: %+v", got)
			}
		})
	}
}

// TestVArmorOfAnUnknownLayout checks that rules with another layout cause a warning, and are not counted.
func TestVArmorOfAnUnknownLayout(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	for name, c := range map[string]struct {
		options []lookalike.Option
		message string
	}{
		"rules": {
			[]lookalike.Option{lookalike.Inner(4, 144, 64, "v_file_outer")},
			"rules of 144 bytes: not the layout of v0.9 to v0.10",
		},
		"profiles": {[]lookalike.Option{lookalike.Values("v_ptrace", 16)}, "v_ptrace (4 -> 16 B)"},
	} {
		t.Run(name, func(t *testing.T) {
			e := lookAlike(t, func() (*lookalike.Enforcer, error) {
				return lookalike.Load(lookalike.LoadVArmor, append([]lookalike.Option{
					lookalike.Inner(4, 140, 64, "v_file_outer", "v_bprm_outer", "v_net_outer",
						"v_mount_outer"),
				}, c.options...)...)
			})
			size := 140
			if name == "rules" {
				size = 144
			}
			must(t, e.Maps["v_profile_mode"].Put(w.mntns, lookalike.VArmorEnforce))
			must(t, e.Put("v_file_outer", w.mntns, map[any]any{uint32(0): make([]byte, size)}))
			if text := listed(t); !strings.Contains(text, c.message) {
				t.Errorf("no %q in\n%s", c.message, text)
			}
			recorded(t, w, []string{"openat file_open unknown"})
		})
	}
}

func TestUnknownEnforcers(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	e := lookAlike(t, func() (*lookalike.Enforcer, error) {
		return lookalike.Load(lookalike.LoadUnknown, lookalike.Inner(4, 4, 64, "acme_policies_of_tenants"))
	})
	for key := range uint64(5) {
		must(t, e.Maps["acme_rules"].Put(key<<32|7, uint32(1)))
	}
	must(t, e.Maps["acme_rules"].Put(uint64(8), uint32(1)))
	must(t, e.Put("acme_policies_of_tenants", uint32(1), map[any]any{uint32(0): uint32(0), uint32(1): uint32(0)}))
	must(t, e.Put("acme_policies_of_tenants", uint32(2), map[any]any{uint32(0): uint32(0)}))
	// Without a holder but lsmprof, the first name of each group of programs that share a map.
	const shared, alone = "generic:acme_exec", "generic:acme_rename"
	for _, c := range []struct {
		flags          []string
		group          string
		rules          int
		open, renaming string
	}{
		{flags: nil, open: "unknown", renaming: "unknown"},
		{[]string{"--rules=3"}, shared, 3, "3", "3"},
		{[]string{"--rules-map", "acme_rules"}, shared, 6, "6", "unknown"},
		{[]string{"--rules-map", "acme_rules:0x07000000"}, shared, 5, "5", "unknown"},
		{[]string{"--rules-map", "acme_policies_of_tenants"}, alone, 3, "unknown", "3"},
		{[]string{"--rules-map", "acme_policies_of_tenants:0x01"}, alone, 2, "unknown", "2"},
		{[]string{"--rules-map", "acme_none"}, "", 0, "unknown", "unknown"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			if c.group != "" {
				wantInForce(t, tracer.AllWorkloads, c.group, "", enforcer.Rules{Other: c.rules},
					c.flags...)
			} else if got, ok := inForce(t, tracer.AllWorkloads, c.flags...); ok {
				t.Errorf("list: %+v", got)
			}
			recorded(t, w, []string{"openat file_open " + c.open, "renameat path_rename " + c.renaming},
				c.flags...)
		})
	}
	t.Run("selected", func(t *testing.T) {
		r := startRecord(t, "--enforcer", alone)
		w.do("openat", 10)
		w.do("rename", 10)
		got := calls(r.finish(), w.mntns)
		if !r.all(got["renameat path_rename unknown"], 10) || got["openat file_open unknown"] != 0 {
			t.Errorf("--enforcer %s: %v", alone, got)
		}
	})
}
