package reference

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestNothingIsLeftBehind(t *testing.T) {
	vmtest.Guest(t)
	vmtest.KernelIDs(t) // the iterator over links probes the kernel once
	load(t).Close()
	before := vmtest.KernelIDs(t)
	files := openFiles(t)

	e := load(t)
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	n := newNamespace(t)
	for _, rules := range []string{"8", "file=2", "0", "64"} {
		p := Policy{Fillers: rulesOf(t, rules)}
		if err := e.Confine(n.inode, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	vmtest.NothingNew(t, before)
	if now := openFiles(t); now != files {
		t.Errorf("%d open files, want %d as before", now, files)
	}
}

func TestAttachIsAllOrNothing(t *testing.T) {
	e := load(t)
	defer e.Close()
	before := vmtest.KernelIDs(t)
	e.programs["ref_sb_umount"].Close()
	if err := e.Attach(); err == nil {
		t.Error("Attach succeeded without one of the programs")
	}
	vmtest.NothingNew(t, before)
}

func TestDetachAndAttach(t *testing.T) {
	e := load(t)
	t.Cleanup(func() { e.Close() })
	file := tempFile(t, "secret")
	n := confineWith(t, e, Policy{File: paths(t, DenyPath, file)})
	read := func() error { _, err := os.ReadFile(file); return err }

	for round := range 3 {
		if err := n.do(read); err != nil {
			t.Errorf("round %d, detached: %v", round, err)
		}
		if err := e.Attach(); err != nil {
			t.Fatal(err)
		}
		n.bothSides(t, "attached", unix.EACCES, read)
		if err := e.Detach(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReleaseEndsConfinement(t *testing.T) {
	file := tempFile(t, "secret")
	n := confine(t, Policy{File: paths(t, DenyPath, file)})
	read := func() error { _, err := os.ReadFile(file); return err }
	n.bothSides(t, "confined", unix.EACCES, read)
	if err := one.Release(n.inode); err != nil {
		t.Fatal(err)
	}
	if err := n.do(read); err != nil {
		t.Errorf("released: %v", err)
	}
}

func rulesOf(t testing.TB, s string) enforcer.Rules {
	t.Helper()
	r, err := ParseRules(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
