// Package release builds a release twice and installs it in a guest.
package release

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const version = "1.2.3"

// release builds a release of the repository in dir, as `make release` does, into a new folder.
func release(t *testing.T, dir string) string {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("internal/release/release.sh", out)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "VERSION=v"+version, "SOURCE_DATE_EPOCH=1700000000")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("release.sh: %v\n%s", err, text)
	}
	return out
}

func TestReleaseIsReproducibleAndRuns(t *testing.T) {
	if os.Getenv("LSMPROF_VM") == "" {
		t.Skip("builds for minutes and boots a guest: set LSMPROF_VM=1")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	first := release(t, root)
	// A copy in another place, as another builder has it.
	elsewhere := t.TempDir()
	copied := exec.Command("sh", "-c", `tar -c --exclude=.git --exclude=./bin . | tar -x -C "$0"`, elsewhere)
	copied.Dir = root
	if text, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, text)
	}
	second := release(t, elsewhere)
	sums, err := os.ReadFile(filepath.Join(first, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(filepath.Join(second, "SHA256SUMS"))
	if err != nil || !bytes.Equal(sums, again) {
		t.Errorf("two builds of one tree differ (%v):\n%s\n%s", err, sums, again)
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		binary := filepath.Join(first, "lsmprof-"+version+"-linux-"+arch)
		isStatic(t, binary, machine)
		for _, suffix := range []string{"", ".deb", ".rpm", ".cdx.json"} {
			if !strings.Contains(string(sums), filepath.Base(binary)+suffix+"\n") {
				t.Errorf("SHA256SUMS has no %s%s", filepath.Base(binary), suffix)
			}
		}
	}
	runsInGuest(t, root, first)
}

// isStatic checks the architecture of a binary, that it needs no libraries, and its size.
func isStatic(t *testing.T, binary string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, _ := f.ImportedLibraries(); f.Machine != machine || len(libraries) > 0 {
		t.Errorf("%s is for %v and needs %v, want %v and nothing", binary, f.Machine, libraries, machine)
	}
	const limit = 24 << 20 // 23.1 MiB; 19.8 before OTLP, forecasts, lines, fleets and histories
	if st, err := os.Stat(binary); err != nil || st.Size() > limit {
		t.Errorf("%s: %v, or larger than %d MiB: look at what was linked in", binary, err, limit>>20)
	} else {
		t.Logf("%s: %.1f MiB", filepath.Base(binary), float64(st.Size())/(1<<20))
	}
}

// runsInGuest installs both packages with a guest's dpkg and rpm, and runs what they installed.
func runsInGuest(t *testing.T, root, dist string) {
	t.Helper()
	vm := filepath.Join(t.TempDir(), "vm")
	build := exec.Command("go", "build", "-o", vm, "./internal/vmtest/cmd/vm")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build vm: %v\n%s", err, text)
	}
	const script = `set -e
mkdir -p /var/lib/dpkg/info && touch /var/lib/dpkg/status
dpkg -i /dist/lsmprof.deb >/dev/null
lsmprof version
lsmprof check >/tmp/check || { cat /tmp/check; exit 1; }
ls /usr/share/man/man1/lsmprof-record.1* /usr/share/bash-completion/completions/lsmprof
rm /usr/bin/lsmprof
cd / && rpm2cpio /dist/lsmprof.rpm | cpio -idm 2>/dev/null
lsmprof version`
	name := filepath.Join(dist, "lsmprof-"+version+"-linux-amd64")
	cmd := exec.Command(vm, "-smp", "1", "-in", name+".deb:/dist/lsmprof.deb", "-in", name+".rpm:/dist/lsmprof.rpm",
		"--", script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in the guest: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), version); n != 2 {
		t.Errorf("the version is printed %d times, want 2:\n%s", n, out)
	}
}
