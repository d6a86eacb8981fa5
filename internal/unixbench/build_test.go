package unixbench

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// Builds in other directories give the committed bytes.
func TestBuildIsReproducible(t *testing.T) {
	for _, tool := range []string{"clang-19", "ld.lld-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: apt install clang-19 lld-19", err)
		}
	}
	dir := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(dir, os.DirFS("suite")); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.Remove(filepath.Join(dir, "suite_"+arch)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("sh", filepath.Join(dir, "build.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		committed, err := os.ReadFile("suite/suite_" + arch)
		if err != nil {
			t.Fatal(err)
		}
		built, err := os.ReadFile(filepath.Join(dir, "suite_"+arch))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(built, committed) {
			t.Errorf("suite_%s differs from a build of its sources; run go generate ./internal/unixbench "+
				"and commit", arch)
		}
	}
}

func TestProgramsAreStatic(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		f, err := elf.Open("suite/suite_" + arch)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine || f.Type != elf.ET_EXEC {
			t.Errorf("%s: %v %v", arch, f.Machine, f.Type)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s needs a dynamic loader", arch)
			}
		}
		if size := len(program); size > 64<<10 {
			t.Errorf("%d bytes", size)
		}
	}
}

// qemu-user runs the program of the other architecture, with the tests that need no special kernel.
func TestArm64UnderQEMU(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skipf("%v: apt install qemu-user-static", err)
	}
	for _, test := range []string{
		"syscall", "pipe", "context1", "fstime", "spawn", "openclose", "stat",
		"createunlink", "rename", "link", "symlink", "socket", "connect",
	} {
		dir := t.TempDir()
		out, err := exec.Command(qemu, "suite/suite_arm64", test, "--duration", "0.05", "--dir",
			dir).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", test, err, out)
			continue
		}
		if _, err := score.ParseOutput(string(out), 1); err != nil {
			t.Errorf("%s: %v", test, err)
		}
		mustBeEmpty(t, dir)
	}
}
