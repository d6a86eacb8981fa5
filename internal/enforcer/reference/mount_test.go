package reference

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func mountRules(t *testing.T, specs ...string) []MountRule {
	t.Helper()
	var rules []MountRule
	for _, s := range specs {
		r, err := DenyMount(s)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// mounter mounts in a directory, and unmounts again.
type mounter struct{ dir string }

func (m mounter) mount(source, fstype string, flags uintptr) func() error {
	return func() error {
		if err := unix.Mount(source, m.dir+"/on", fstype, flags, ""); err != nil {
			return err
		}
		return unix.Unmount(m.dir+"/on", unix.MNT_DETACH)
	}
}

// fsmount uses the mount API of Linux 5.2, as mount(8) does since 2.39.
func (m mounter) fsmount(fstype string) func() error {
	return func() error {
		fs, err := unix.Fsopen(fstype, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fs)
		if err := unix.FsconfigCreate(fs); err != nil {
			return err
		}
		mnt, err := unix.Fsmount(fs, 0, 0)
		if err != nil {
			return err
		}
		defer unix.Close(mnt)
		if err := unix.MoveMount(mnt, "", unix.AT_FDCWD, m.dir+"/on",
			unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return err
		}
		return unix.Unmount(m.dir+"/on", unix.MNT_DETACH)
	}
}

// after runs change on a new mount of a tmpfs.
func (m mounter) after(change func() error) func() error {
	return func() error {
		if err := unix.Mount("fresh", m.dir+"/on", "tmpfs", 0, ""); err != nil {
			return err
		}
		defer unix.Unmount(m.dir+"/on", unix.MNT_DETACH)
		return change()
	}
}

func TestMount(t *testing.T) {
	dir, err := os.MkdirTemp("", "mnt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"on", "to", "source"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m := mounter{dir}
	remount := m.after(func() error { return unix.Mount("", dir+"/on", "", unix.MS_REMOUNT|unix.MS_RDONLY, "") })
	move := m.after(func() error {
		if err := unix.Mount(dir+"/on", dir+"/to", "", unix.MS_MOVE, ""); err != nil {
			return err
		}
		return unix.Unmount(dir+"/to", unix.MNT_DETACH)
	})
	private := m.after(func() error { return unix.Mount("", dir+"/on", "", unix.MS_PRIVATE, "") })
	moveNew := m.after(func() error {
		if err := unix.MoveMount(unix.AT_FDCWD, dir+"/on", unix.AT_FDCWD, dir+"/to", 0); err != nil {
			return err
		}
		return unix.Unmount(dir+"/to", unix.MNT_DETACH)
	})
	umount := m.mount("plain", "tmpfs", 0)
	type op struct {
		what string
		run  func() error
	}
	ops := map[string]op{
		"tmpfs":        {"mount a tmpfs", m.mount("src", "tmpfs", 0)},
		"proc":         {"mount a proc", m.mount("src", "proc", 0)},
		"new tmpfs":    {"fsmount a tmpfs", m.fsmount("tmpfs")},
		"new proc":     {"fsmount a proc", m.fsmount("proc")},
		"bind":         {"bind", m.mount(dir+"/source", "", unix.MS_BIND)},
		"bind another": {"bind another", m.mount(dir+"/to", "", unix.MS_BIND)},
		"remount":      {"remount", remount},
		"move":         {"move", move},
		"move_mount":   {"move_mount", moveNew},
		"private":      {"change propagation", private},
		"umount":       {"umount", umount},
	}
	for _, c := range []struct {
		rule            string
		denied, allowed []string
	}{
		{"**,fstype=tmpfs", []string{"tmpfs", "new tmpfs"}, []string{"proc", "new proc", "bind"}},
		{"src,fstype=proc", []string{"proc"}, []string{"tmpfs", "bind", "move", "remount"}},
		{dir + "/source", []string{"bind"}, []string{"tmpfs", "proc", "bind another"}},
		{
			"**,op=bind",
			[]string{"bind", "bind another"},
			[]string{"tmpfs", "proc", "move", "remount", "umount"},
		},
		{"**,op=move", []string{"move", "move_mount"}, []string{"tmpfs", "bind", "remount", "new tmpfs"}},
		{"**,op=remount", []string{"remount"}, []string{"tmpfs", "bind", "move", "private"}},
		{dir + "/on,op=umount", []string{"umount", "tmpfs"}, []string{"move"}},
		{"**,op=move+remount", []string{"remount", "move"}, []string{"tmpfs", "bind", "umount"}},
		{"/no-such/**", nil, []string{"tmpfs", "bind", "remount", "move", "move_mount", "umount", "new tmpfs"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			n := confine(t, Policy{Mount: mountRules(t, c.rule)})
			for _, name := range c.denied {
				n.bothSides(t, ops[name].what, unix.EACCES, ops[name].run)
			}
			for _, name := range c.allowed {
				n.bothSides(t, ops[name].what, nil, ops[name].run)
			}
		})
	}
}

func TestDenyMountMessages(t *testing.T) {
	for _, s := range []string{
		"", "a*", "**,fstype=", "**,fstype=0123456789abcdef", "**,op=", "**,op=eat", "**,opp=bind", "**,",
		"a**b**c", "[ab]",
	} {
		if r, err := DenyMount(s); err == nil {
			t.Errorf("DenyMount(%q) = %+v, want an error", s, r)
		}
	}
}
