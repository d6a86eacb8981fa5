package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/golden"
)

// The counts of vArmor's policies were compared with those of vArmor v0.10's own generator: of all its built-in rules
// in every field, of its examples, and of 800 random policies.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			all, err := Read(f)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, p := range all {
				describe(&b, &p)
			}
			if len(all) > 1 {
				sum, err := Sum(all)
				if err != nil {
					t.Fatal(err)
				}
				describe(&b, &sum)
			}
			golden.Equal(t, filepath.Base(path)+".txt", []byte(b.String()))
		})
	}
}

func describe(b *strings.Builder, p *Policy) {
	fmt.Fprintf(b, "%s %s of %s:", p.Kind, p.Name, p.Enforcer)
	for _, kind := range rules.Kinds() {
		if n := *p.Rules.Named(kind); n > 0 {
			fmt.Fprintf(b, " %s=%d", kind, n)
		}
	}
	fmt.Fprintln(b, "", p.Hooks)
	for _, n := range p.Notes {
		fmt.Fprintln(b, "  note:", n)
	}
}

func TestReadRefuses(t *testing.T) {
	varmor := func(policy string) string {
		return "kind: VarmorPolicy\nmetadata: {name: x}\nspec: {policy: {enforcer: BPF, " + policy + "}}\n"
	}
	many := strings.Repeat("{pattern: /x, permissions: [r]},", 65)
	for name, c := range map[string]struct{ in, want string }{
		"nothing":      {"", "no policy"},
		"no YAML":      {"{", "not a policy"},
		"a workload":   {"kind: Pod\nmetadata: {name: x}\n", "but Pod"},
		"no spec":      {"kind: TracingPolicy\n", "has no spec"},
		"a wrong type": {"kind: TracingPolicy\nspec: {lsmhooks: 3}\n", "spec: "},
		"no hook":      {"kind: TracingPolicy\nspec: {lsmhooks: [{}]}\n", "lsmhooks 1 has no hook"},
		"a wrong mode": {varmor("mode: Strict"), `mode "Strict"`},
		"no rules":     {varmor("mode: EnhanceProtect"), "needs the field"},
		"too many": {varmor("mode: EnhanceProtect, enhanceProtect: {bpfRawRules: {files: [" + many +
			"]}}"), "72 file rules"},
		"a wrong entry": {
			"kind: KubeArmorPolicy\nspec: {file: {matchPaths: [{}]}}\n",
			"file.matchPaths: entry 1",
		},
		"an action": {
			"kind: KubeArmorPolicy\nspec: {action: Kill, file: {matchPaths: [{path: /x}]}}\n",
			`action "Kill"`,
		},
	} {
		if all, err := Read(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", name, all, err, c.want)
		}
	}
}

func TestSumRefuses(t *testing.T) {
	for name, all := range map[string][]Policy{
		"two products":           {{Enforcer: "tetragon"}, {Enforcer: "kubearmor"}},
		"two policies of vArmor": {{Enforcer: "varmor"}, {Enforcer: "varmor"}},
	} {
		if sum, err := Sum(all); err == nil {
			t.Errorf("%s: %+v", name, sum)
		}
	}
}

// FuzzRead looks for files that end in a panic, in a negative number of rules, or in a note that is not printable.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("kind: List\nitems: [{kind: List, items: [{kind: TracingPolicy, spec: {}}]}]\n"))
	f.Add([]byte("kind: VarmorPolicy\nspec: &a {policy: *a}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Read(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		for _, p := range all {
			if p.Rules.Sum() < 0 || p.Rules.Sum() > len(data) {
				t.Errorf("%d rules in %d bytes", p.Rules.Sum(), len(data))
			}
			for _, n := range append(p.Notes, p.Name) {
				if strings.ContainsAny(n, "\n\x1b\x00") {
					t.Errorf("note or name %q", n)
				}
			}
		}
		_, _ = Sum(all)
	})
}

// Policies come from others: aliases that grow exponentially, deep nesting and long texts end in an error or a small
// answer, and soon.
func TestReadOfYAMLBombs(t *testing.T) {
	head := "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: p}\n"
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&aliases, "a%d: &a%d [%s]\n", i, i,
			strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for name, text := range map[string]string{
		"aliases beside the policy": aliases.String() + head +
			"spec: {policy: {enforcer: BPF, mode: EnhanceProtect, " +
			"enhanceProtect: {hardeningRules: *a9}}}\n",
		"aliases in metadata": aliases.String() + "kind: VarmorPolicy\nmetadata: *a9\nspec: *a9\n",
		"nested":              head + "spec: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"nested maps":         head + "spec: " + strings.Repeat("{a: ", 100_000) + strings.Repeat("}", 100_000),
		"itself":              head + "spec: &s {policy: *s}\n",
		"documents":           strings.Repeat("---\nkind: VarmorPolicy\n", 100_000),
		"a long name": strings.Replace(head, "{name: p}", "{name: \"\\e[2J"+strings.Repeat("x", 1<<20)+"\"}",
			1) +
			"spec: {policy: {enforcer: nothing}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			policies, err := Read(strings.NewReader(text))
			runtime.ReadMemStats(&after)
			said := fmt.Sprint(policies, err)
			if len(said) > 1000 || strings.ContainsFunc(said, unicode.IsControl) {
				t.Errorf("%d bytes: %.300q", len(said), said)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<30 ||
				time.Since(start) > 30*time.Second {
				t.Errorf("took %d MiB and %s", took>>20, time.Since(start))
			}
		})
	}
}
