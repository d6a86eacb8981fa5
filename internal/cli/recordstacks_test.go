package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// With stacks, the profile has real call paths above its leaves, and the same counts.
func TestRecordStacks(t *testing.T) {
	r := vmtest.Guest(t)
	w := startWorkload(t)
	confine(t, w)
	file := filepath.Join(t.TempDir(), "profile")
	rec := startRecord(t, "--output", file, "--stacks", "--stacks-sample", "4", "--mntns", fmt.Sprint(w.mntns))
	w.do("openat", 2000)
	w.do("rename", 500)
	rows := rec.finish()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckValid(); err != nil {
		t.Error(err)
	}
	sampled := func(c string) bool { return strings.HasPrefix(c, "stacks: 1 of 4 calls") }
	if !slices.ContainsFunc(p.Comments, sampled) {
		t.Errorf("the profile does not say how stacks were sampled: %q", p.Comments)
	}
	var want, total int64
	for _, row := range rows {
		want += int64(row.Seen)
	}
	stacks := map[string]int64{}
	for _, s := range p.Sample {
		total += s.Value[0]
		var names []string
		for _, l := range s.Location {
			names = append(names, l.Line[0].Function.Name)
		}
		stacks[strings.Join(names, ";")] += s.Value[0]
	}
	if total < want || total > want+int64(rec.missed) {
		t.Errorf("%d calls in the profile, %d were seen", total, want)
	}
	leaf := ""
	if r.AtLeast(5, 18) {
		leaf = "program.ref_%s;"
	}
	for hook, syscall := range map[string]string{"file_open": "openat", "path_rename": "renameat"} {
		found := false
		for stack := range stacks {
			leaves := "cost.program body;" + strings.ReplaceAll(leaf, "%s", hook) + "hook." + hook + ";"
			found = found || strings.HasPrefix(stack, leaves) &&
				inOrder(stack, ";bpf_lsm_"+hook+";", ";security_"+hook+";", ";do_syscall_64;",
					";syscall."+syscall+";",
					"cli.workloadMain;", ";workload.exe")
		}
		if !found {
			t.Errorf("no stack from %s to the program: %v", hook, stacks)
		}
	}
}

// inOrder reports whether parts follow one another in s.
func inOrder(s string, parts ...string) bool {
	for _, p := range parts {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p)-1:] // a separator may be the next one's
	}
	return true
}
