package reference

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

func paths(t *testing.T, action func(string) (PathRule, error), globs ...string) []PathRule {
	t.Helper()
	var rules []PathRule
	for _, g := range globs {
		r, err := action(g)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

func tempFile(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFileGlobs(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "a/b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("n", 64)
	for _, name := range []string{
		"key", "x.key", "a/x.key", "a/b/x.key", "a/b/keys", "keyx", long + "1", long + "2",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		glob            string // $ is the directory
		denied, allowed []string
	}{
		{"$/key", []string{"key"}, []string{"keyx", "a/b/keys", "x.key", "a"}},
		{"$/a/**", []string{"a/x.key", "a/b/x.key", "a/b/keys", "a/b"}, []string{"key", "a"}},
		{"**.key", []string{"x.key", "a/x.key", "a/b/x.key"}, []string{"key", "a/b/keys"}},
		{"$/a/**.key", []string{"a/x.key", "a/b/x.key"}, []string{"x.key", "a/b/keys"}},
		{"$/*.key", []string{"x.key"}, []string{"a/x.key", "a/b/x.key", "key"}},
		{"$/a/*", []string{"a/x.key", "a/b"}, []string{"a/b/x.key", "key"}},
		{"$/key*", []string{"key", "keyx"}, []string{"a/b/keys", "x.key"}},
		{"**" + long[:63] + "1", []string{long + "1"}, []string{long + "2"}},
		{"**", []string{"key", "a/b/x.key", "."}, nil},
		{"/no-such/**", nil, []string{"key", "a/b/x.key", ".", "/"}},
	} {
		t.Run(c.glob, func(t *testing.T) {
			n := confine(t, Policy{File: paths(t, DenyPath, strings.Replace(c.glob, "$", dir, 1))})
			open := func(name string) func() error {
				return func() error {
					if !filepath.IsAbs(name) {
						name = filepath.Join(dir, name)
					}
					fd, err := unix.Open(name, unix.O_RDONLY, 0)
					if err == nil {
						unix.Close(fd)
					}
					return err
				}
			}
			for _, name := range c.denied {
				n.bothSides(t, "open "+name, unix.EACCES, open(name))
			}
			for _, name := range c.allowed {
				n.bothSides(t, "open "+name, nil, open(name))
			}
		})
	}
}

// A file that must not be opened must not be renamed or linked either, nor may another file get its name.
func TestPathOperationsObeyFileRules(t *testing.T) {
	dir := t.TempDir()
	n := confine(t, Policy{File: paths(t, DenyPath, dir+"/secret*")})
	for _, name := range []string{"secret", "open"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	from := func(name string) string { return filepath.Join(dir, name) }
	secret := func(to string) string { return from("secret." + filepath.Base(to)) }
	for i, op := range []struct {
		what string
		want error
		run  func(to string) error
	}{
		{"rename from", unix.EACCES, func(to string) error { return undo(os.Rename, from("secret"), to) }},
		{"rename to", unix.EACCES, func(to string) error { return undo(os.Rename, from("open"), secret(to)) }},
		{"rename others", nil, func(to string) error { return undo(os.Rename, from("open"), to) }},
		{"link from", unix.EACCES, func(to string) error { return os.Link(from("secret"), to) }},
		{"link to", unix.EACCES, func(to string) error { return os.Link(from("open"), secret(to)) }},
		{"link others", nil, func(to string) error { return os.Link(from("open"), to) }},
		{"symlink", unix.EACCES, func(to string) error { return os.Symlink("/", secret(to)) }},
		{"symlink others", nil, func(to string) error { return os.Symlink("/", to) }},
	} {
		k := 0
		n.bothSides(t, op.what, op.want, func() error {
			k++
			return op.run(from(fmt.Sprintf("new%d-%d", i, k)))
		})
	}
}

// undo renames a to b and, if that succeeds, back.
func undo(rename func(a, b string) error, a, b string) error {
	if err := rename(a, b); err != nil {
		return err
	}
	return rename(b, a)
}

func TestFirstMatchDecides(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"public", "private"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) func() error {
		return func() error { _, err := os.ReadFile(filepath.Join(dir, name)); return err }
	}
	allow, deny := paths(t, AllowPath, dir+"/public"), paths(t, DenyPath, dir+"/**")
	fillers := enforcer.Rules{File: 62}

	n := confine(t, Policy{Fillers: fillers, File: append(allow, deny...)})
	n.bothSides(t, "allowed first", nil, read("public"))
	n.bothSides(t, "denied, the 64th rule", unix.EACCES, read("private"))

	n = confine(t, Policy{Fillers: fillers, File: append(deny, allow...)})
	n.bothSides(t, "denied first", unix.EACCES, read("public"))
}

// The rule matches the beginning of the path. The walk writes it last, after 32 components and a mount.
func TestDeepPath(t *testing.T) {
	dir := t.TempDir()
	n := confine(t, Policy{File: paths(t, DenyPath, dir+"/deep/**")})
	deep := func(top string, components int, mountAt int) func() error {
		return func() error {
			path := filepath.Join(dir, top)
			for i := range components {
				path = filepath.Join(path, fmt.Sprintf("c%d", i))
				if err := os.MkdirAll(path, 0o755); err != nil {
					return err
				}
				if i == mountAt {
					if err := unix.Mount("none", path, "tmpfs", 0, ""); err != nil {
						return err
					}
					defer unix.Unmount(path, unix.MNT_DETACH)
				}
			}
			fd, err := unix.Open(path, unix.O_RDONLY, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}
	}
	n.bothSides(t, "32 components", unix.EACCES, deep("deep", 32, -1))
	n.bothSides(t, "32 components across a mount", unix.EACCES, deep("deep", 32, 16))
	n.bothSides(t, "the last of 32 is a mount", unix.EACCES, deep("deep", 32, 31))
	n.bothSides(t, "elsewhere, 32 components across a mount", nil, deep("other", 32, 16))
	n.bothSides(t, "elsewhere, more components than can be walked", unix.EACCES, deep("other", 70, -1))
}

// Rules apply to the path by which a file is opened, not to the source of a bind mount.
func TestBindMount(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real", "bound"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "real/f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n := confine(t, Policy{File: paths(t, DenyPath, dir+"/bound/**")})
	err := n.do(func() error { return unix.Mount(dir+"/real", dir+"/bound", "", unix.MS_BIND, "") })
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) func() error {
		return func() error { _, err := os.ReadFile(filepath.Join(dir, name)); return err }
	}
	n.bothSides(t, "real path", nil, read("real/f"))
	if err := n.do(read("bound/f")); !errors.Is(err, unix.EACCES) {
		t.Errorf("bound path: %v, want EACCES", err)
	}
}

// Tasks that preempt each other within the programs must not get each other's verdict.
func TestPreemptedTasksGetTheirOwnVerdict(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"denied", "allowed"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := confine(t, Policy{Fillers: enforcer.Rules{File: 60}, File: paths(t, DenyPath, dir+"/denied")})
	const script = `i=0; while [ $i -lt 1500 ]; do i=$((i+1))
		{ true < $0/denied; } 2>/dev/null && echo opened a denied file
		{ true < $0/allowed; } 2>/dev/null || echo was denied an allowed file
		done; true`
	err := n.do(func() error {
		var all []*exec.Cmd
		var out [8]strings.Builder
		for i := range out {
			cmd := exec.Command("sh", "-c", script, dir)
			cmd.Stdout, cmd.Stderr = &out[i], &out[i]
			if err := cmd.Start(); err != nil {
				return err
			}
			all = append(all, cmd)
		}
		var err error
		for i, cmd := range all {
			err = errors.Join(err, cmd.Wait())
			if s := out[i].String(); s != "" {
				err = errors.Join(err, fmt.Errorf("%.200s", s))
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	noClaims(t)
}

// noClaims checks that no buffer is claimed.
func noClaims(t *testing.T) {
	t.Helper()
	var slot uint32
	var perCPU []bpf.EnforcerPathBuffer
	for it := one.maps[bpf.EnforcerMapRefBuffer].Iterate(); it.Next(&slot, &perCPU); {
		for cpu, b := range perCPU {
			if b.Claims != 0 {
				t.Errorf("buffer %d of CPU %d has %d claims, want 0", slot, cpu, b.Claims)
			}
		}
	}
}
