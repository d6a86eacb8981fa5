package container

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/unixbench"
)

const (
	nobody      = 65534
	attackerEnv = "LSMPROF_TEST_ATTACK" // the folder in which the test binary, as nobody, attacks the program
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(attackerEnv); dir != "" {
		attack(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// attack does what another user of a container can do to every program that appears in dir, until it is killed.
func attack(dir string) {
	os.Stdout.WriteString("ready\n")
	for {
		folders, _ := filepath.Glob(filepath.Join(dir, "lsmprof-*"))
		for _, f := range folders {
			evil, suite := filepath.Join(f, "evil"), filepath.Join(f, "suite")
			for what, err := range map[string]error{
				"wrote a file":          os.WriteFile(evil, []byte("#!/bin/sh\nid\n"), 0o755),
				"wrote into work":       os.WriteFile(filepath.Join(f, "work", "evil"), nil, 0o755),
				"replaced the program":  os.Rename(evil, suite),
				"moved the program":     os.Rename(suite, filepath.Join(dir, "was")),
				"planted a link":        os.Symlink("../../etc/shadow", suite),
				"overwrote the program": os.WriteFile(suite, nil, 0o755),
				"moved the folder":      os.Rename(f, filepath.Join(dir, "was-folder")),
			} {
				if err == nil {
					os.Stdout.WriteString(what + "\n")
				}
			}
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("files of other users need root")
	}
}

// containerRoot makes a directory that stands for a container's root, and one of the container's own folders in it.
func containerRoot(t *testing.T, folder string, mode os.FileMode, uid int) (dir string, root *os.File) {
	t.Helper()
	dir, err := os.MkdirTemp("", "container-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, folder)
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.MkdirAll(filepath.Join(dir, "etc"), 0o755),
		os.WriteFile(filepath.Join(dir, "etc", "shadow"), []byte("secret\n"), 0o600),
		os.MkdirAll(path, 0o755), os.Chmod(path, mode), os.Chown(path, uid, uid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if root, err = os.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return dir, root
}

func TestNobodyGetsAtThePlacedProgram(t *testing.T) {
	needRoot(t)
	dir, root := containerRoot(t, "tmp", 0o777|os.ModeSticky, 0)
	exe, err := os.Open("/proc/self/exe") // nobody cannot reach it by its path
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Env = []string{attackerEnv + "=" + filepath.Join(dir, "tmp")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var out bytes.Buffer
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		p, err := place(root, user{uid: 1000, gid: 1000})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		file := filepath.Join(dir, p.path, "suite")
		if written, err := os.ReadFile(file); err != nil || !bytes.Equal(written, unixbench.Program()) {
			t.Errorf("the program was replaced: %d bytes, %v", len(written), err)
		}
		if now, err := os.Stat(file); err != nil || !os.SameFile(now, p.file) || now.Mode().Perm() != 0o555 {
			t.Errorf("another file has the program's place: %+v, %v", now, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	cmd.Process.Kill()
	out.ReadFrom(stdout)
	cmd.Wait()
	if out.Len() > 0 {
		t.Errorf("another user of the container %s", strings.ReplaceAll(out.String(), "\n", ", "))
	}
	if info, err := os.Stat(filepath.Join(dir, "etc", "shadow")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("etc/shadow is %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The program goes only where no other user of the container could replace it.
func TestUnsafeFoldersAreRefused(t *testing.T) {
	needRoot(t)
	for _, test := range []struct {
		name string
		mode os.FileMode
		uid  int
		want string // error; empty: none
	}{
		{"writable for all, without the sticky bit", 0o777, 0, "chmod +t"},
		{"of another user", 0o755, nobody, "belongs to another user"},
		{"sticky, but of another user", 0o777 | os.ModeSticky, nobody, "belongs to another user"},
		{"of the user that runs the tests", 0o755, 1000, ""},
		{"of the container's root", 0o755, 100000, ""},
		{"of root", 0o755, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, root := containerRoot(t, "tmp", test.mode, test.uid)
			p, err := placeIn(root, "tmp", user{uid: 1000, gid: 1000, root: 100000})
			if err == nil {
				err = p.Close()
			}
			if (err == nil) != (test.want == "") || err != nil &&
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// Links of the container lead nowhere, neither out of it nor within it.
func TestNoLinkIsFollowed(t *testing.T) {
	needRoot(t)
	outside := t.TempDir()
	dir, root := containerRoot(t, "real", 0o755, 0)
	for link, target := range map[string]string{"tmp": outside, "var": "../..", "run": "real"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, parent := range []string{"tmp", "var/tmp", "run", "../.."} {
		p, err := placeIn(root, parent, user{})
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, p.name)); err != nil || p.path != "/"+p.name {
			t.Errorf("%s: placed the program in %s, %v", parent, p.path, err)
		}
		p.Close()
	}
	if made, err := os.ReadDir(outside); err != nil || len(made) > 0 {
		t.Errorf("made outside of the container: %v, %v", made, err)
	}
}

// A link may appear after the folders above were checked: no part of a path may be one.
func TestNoPartOfAPathIsALink(t *testing.T) {
	needRoot(t)
	outside := t.TempDir()
	dir, root := containerRoot(t, "tmp", 0o755, 0)
	for _, err := range []error{
		os.Mkdir(filepath.Join(outside, "tmp"), 0o755), os.Symlink(outside, filepath.Join(dir, "var")),
		os.Symlink("tmp", filepath.Join(dir, "in")), os.Symlink(".", filepath.Join(dir, "here")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	inside, err := root.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for path, refused := range map[string]bool{
		"tmp": false, "../../tmp": false, "..": false, "var/tmp": true, "in": true, "here/tmp": true,
	} {
		f, err := openBelow(root, path, unix.O_DIRECTORY)
		if (err != nil) != refused {
			t.Errorf("%s: %v, want refused: %t", path, err, refused)
		}
		if err != nil {
			continue
		}
		if info, err := f.Stat(); err != nil || path == ".." && !os.SameFile(info, inside) {
			t.Errorf("%s leads out of the container, %v", path, err)
		}
		f.Close()
	}
}

// A folder that something in the container put in the place of lsmprof's is not removed.
func TestWhatIsNotOursStays(t *testing.T) {
	needRoot(t)
	dir, root := containerRoot(t, "tmp", 0o755, 0)
	p, err := placeIn(root, "tmp", user{})
	if err != nil {
		t.Fatal(err)
	}
	ours, other := filepath.Join(dir, p.path), filepath.Join(dir, p.path, "file")
	if err := os.Rename(ours, ours+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "is no longer the folder that lsmprof made") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func TestIDsOfUserNamespaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uid_map")
	if err := os.WriteFile(file, []byte("         0     100000      65536\n     70000          5          1\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]string{0: "100000", 1000: "101000", 70000: "5", 65536: "no id", 70001: "no id"} {
		got, err := hostID(file, id)
		if text := fmt.Sprint(got); err == nil && text != want || err != nil && want != "no id" {
			t.Errorf("id %d: %s, %v, want %s", id, text, err, want)
		}
	}
}

// A container that writes errors without end fills no memory.
func TestErrorsOfAContainerAreBounded(t *testing.T) {
	var b firstBytes
	for range 1000 {
		if n, err := b.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
	}
	if len(b) != most {
		t.Errorf("kept %d bytes, want %d", len(b), most)
	}
}
