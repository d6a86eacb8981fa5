package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// names returns what is in a folder: no temporary file may stay behind.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestCommitKeepsTheOldFileIfAsked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	for _, step := range []struct {
		content string
		keep    bool
		kept    bool
		names   string
		old     string
	}{
		{"one", true, false, "out", ""},
		{"two", true, true, "out out.old", "one"},
		{"three", true, true, "out out.old", "two"},
		{"four", false, false, "out out.old", "two"},
	} {
		f, err := atomicfile.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		f.KeepOld = step.keep
		kept, err := f.Commit(text(step.content))
		if err != nil || kept != step.kept {
			t.Errorf("%s: kept %t, %v; want %t", step.content, kept, err, step.kept)
		}
		if got := read(t, path); got != step.content {
			t.Errorf("content %q, want %q", got, step.content)
		}
		if got := names(t, dir); got != step.names {
			t.Errorf("%s: the folder has %s, want %s", step.content, got, step.names)
		}
		if step.old != "" && read(t, path+".old") != step.old {
			t.Errorf("%s: old is %q, want %q", step.content, read(t, path+".old"), step.old)
		}
	}
	if info, _ := os.Stat(path); info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644", info.Mode())
	}
}

func TestFailedWriteLeavesTheEarlierFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := atomicfile.WriteString(path, "earlier"); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no more")
	half := func(w io.Writer) error {
		io.WriteString(w, "half")
		return failed
	}
	if err := atomicfile.Write(path, half); !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
	full := &os.PathError{Op: "write", Path: path, Err: unix.ENOSPC}
	err := atomicfile.Write(path, func(io.Writer) error { return full })
	if !errors.Is(err, unix.ENOSPC) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("%v, want one path", err)
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Discard()
	f.Discard()
	if read(t, path) != "earlier" || names(t, dir) != "out" {
		t.Errorf("%q in %s", read(t, path), names(t, dir))
	}
}

func TestCreateRefusesWhatCannotBeReplaced(t *testing.T) {
	dir := t.TempDir()
	folder, fifo := filepath.Join(dir, "folder"), filepath.Join(dir, "fifo")
	if err := errors.Join(os.Mkdir(folder, 0o755), unix.Mkfifo(fifo, 0o644)); err != nil {
		t.Fatal(err)
	}
	device, output := filepath.Join(dir, "device"), filepath.Join(dir, "stdout")
	if err := errors.Join(os.Symlink("/dev/null", device), os.Symlink("/proc/self/fd/1", output)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		device:                            "is a link to /dev/null, which is not a regular file",
		output:                            "is a link to /proc/self/fd/1, which is not a regular file",
		folder:                            "is a directory",
		fifo:                              "is not a regular file",
		"/dev/null":                       "is not a regular file",
		filepath.Join(dir, "nowhere/out"): "open the folder " + dir + "/nowhere: no such file or directory",
		"":                                "the name of the output file is empty",
		filepath.Join(fifo, "out"):        "not a directory",
	} {
		if _, err := atomicfile.Create(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// A link under the final name is replaced, never written through.
func TestCommitDoesNotFollowTheLastLink(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "out")
	if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), os.Symlink(victim, path)); err != nil {
		t.Fatal(err)
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.KeepOld = true
	if _, err := f.Commit(text("new")); err != nil {
		t.Fatal(err)
	}
	if read(t, victim) != "precious" || read(t, path) != "new" {
		t.Errorf("victim %q, output %q", read(t, victim), read(t, path))
	}
}

func TestRootFollowsLinksOnlyOfTrustedUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make links of other users")
	}
	const stranger = 12345
	for _, c := range []struct {
		name    string
		owner   int
		target  string
		sudo    string
		refused bool
	}{
		{name: "root's", owner: 0, target: "there"},
		{name: "root's, relative through a parent", owner: 0, target: "../{base}/there"},
		{name: "a stranger's", owner: stranger, target: "there", refused: true},
		{name: "of the user behind sudo", owner: stranger, target: "there", sudo: "12345"},
		{name: "another user's than sudo's", owner: stranger, target: "there", sudo: "1234", refused: true},
		{name: "absolute", owner: 0, target: "{dir}/there"},
		{name: "itself", owner: 0, target: "link", refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SUDO_UID", c.sudo)
			dir := t.TempDir()
			target := strings.NewReplacer("{dir}", dir, "{base}", filepath.Base(dir)).Replace(c.target)
			link, there := filepath.Join(dir, "link"), filepath.Join(dir, "there")
			err := errors.Join(os.Mkdir(there, 0o755), os.Symlink(target, link),
				os.Lchown(link, c.owner, c.owner))
			if err != nil {
				t.Fatal(err)
			}
			err = atomicfile.WriteString(filepath.Join(link, "out"), "x")
			if (err != nil) != c.refused {
				t.Fatalf("%v, want refused: %t", err, c.refused)
			}
			if got := names(t, there); (got == "out") == c.refused {
				t.Errorf("the folder behind the link has %q", got)
			}
		})
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	stranger := 0
	if os.Geteuid() == 0 {
		stranger = 12345
	}
	there := filepath.Join(dir, "there")
	err := errors.Join(os.Mkdir(there, 0o755), os.Symlink(there, "planted"), os.Symlink("there", "own"),
		os.Symlink("nowhere", "dangling"), os.WriteFile("file", nil, 0o644),
		os.Lchown("planted", stranger, stranger))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, made, want string
	}{
		{"a/b/c", "a/b/c", ""},
		{"./a/b/../b/d/", "a/b/d", ""},
		{filepath.Join(dir, "x/y"), "x/y", ""},
		{"own/z", "there/z", ""},
		{"planted/w/v", "", "is a symbolic link of user"},
		{"planted", "", "is a symbolic link of user"},
		{"dangling", "", "no such file or directory"},
		{"file/x", "", "not a directory"},
	} {
		if stranger == 0 && strings.HasPrefix(c.path, "planted") {
			continue // only root can make links of other users
		}
		err := atomicfile.MkdirAll(c.path)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
		if info, err := os.Stat(c.made); c.made != "" && (err != nil || !info.IsDir()) {
			t.Errorf("%s: %s is not there: %v", c.path, c.made, err)
		}
	}
	if got := names(t, there); got != "z" {
		t.Errorf("behind the links are %s, want z", got)
	}
}

func TestRelativePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("sub", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"out", "./out", "sub/out", "sub/../out"} {
		if err := atomicfile.WriteString(path, path); err != nil || read(t, path) != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}
