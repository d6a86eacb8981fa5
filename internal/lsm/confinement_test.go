package lsm

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPoliciesOfMountNamespaces(t *testing.T) {
	proc := t.TempDir()
	process := func(pid, mntns string, attributes map[string]string) {
		t.Helper()
		dir := filepath.Join(proc, pid)
		for _, d := range []string{"ns", "attr/apparmor", "attr/selinux"} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("mnt:["+mntns+"]", filepath.Join(dir, "ns/mnt")); err != nil {
			t.Fatal(err)
		}
		for name, text := range attributes {
			if err := os.WriteFile(filepath.Join(dir, "attr", name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	process("1", "7", map[string]string{"apparmor/current": "unconfined\n"})
	process("2", "7", map[string]string{"apparmor/current": "unconfined\n"})
	process("3", "8", map[string]string{"apparmor/current": "nginx (enforce)\n"})
	process("4", "8", map[string]string{"apparmor/current": "unconfined\n"})
	process("5", "9", map[string]string{"selinux/current": "system_u:system_r:container_t:s0:c1,c2\x00"})
	process("6", "10", nil)
	c := Confinement{proc: proc}
	for _, test := range []struct {
		module string
		mntns  uint32
		want   string
	}{
		{"apparmor", 7, "unconfined"},
		{"apparmor", 8, PolicyMixed},
		{"apparmor", 10, PolicyUnknown}, // nothing to read
		{"apparmor", 11, PolicyUnknown}, // no process
		{"selinux", 9, "container_t"},
		{"landlock", 7, PolicyUnknown},
		{"capability", 7, ""}, // the same for all
	} {
		if got := c.Policy(test.module, test.mntns); got != test.want {
			t.Errorf("%s in %d: %q, want %q", test.module, test.mntns, got, test.want)
		}
	}
	if len(c.All()) != 4 {
		t.Errorf("namespaces: %v", c.All())
	}
}
