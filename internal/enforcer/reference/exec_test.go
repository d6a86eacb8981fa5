package reference

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExec(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"denied", "allowed", "via"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("denied/busybox", string(binary))
	write("allowed/busybox", string(binary))
	write("script", "#!"+dir+"/denied/busybox sh\ntrue\n")
	write("denied/script", "#!"+dir+"/allowed/busybox sh\ntrue\n")
	write("allowed/script", "#!"+dir+"/allowed/busybox sh\ntrue\n")
	if err := os.Symlink(dir+"/denied/busybox", dir+"/via/busybox"); err != nil {
		t.Fatal(err)
	}
	n := confine(t, Policy{Exec: paths(t, DenyPath, dir+"/denied/**")})
	for _, c := range []struct {
		what string
		want error
		argv []string
	}{
		{"by its path", unix.EACCES, []string{dir + "/denied/busybox", "true"}},
		{"by a relative path", unix.EACCES, []string{"./denied/busybox", "true"}},
		{"by a symbolic link", unix.EACCES, []string{dir + "/via/busybox", "true"}},
		{"as an interpreter", unix.EACCES, []string{dir + "/script"}},
		{"a script", unix.EACCES, []string{dir + "/denied/script"}},
		{"others", nil, []string{dir + "/allowed/busybox", "true"}},
		{"other scripts", nil, []string{dir + "/allowed/script"}},
	} {
		n.bothSides(t, c.what, c.want, func() error {
			cmd := exec.Command(c.argv[0], c.argv[1:]...)
			cmd.Dir = dir
			return cmd.Run()
		})
	}
	// A rule that denies execution does not deny reading.
	n.bothSides(t, "reading it", nil, func() error { _, err := os.ReadFile(dir + "/denied/busybox"); return err })
}
