package lsm

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHolders(t *testing.T) {
	proc := t.TempDir()
	write := func(path, content string) {
		path = filepath.Join(proc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(path, to string) {
		path = filepath.Join(proc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	write("41/comm", "vArmor agent\n")
	link("41/fd/3", "anon_inode:bpf-prog")
	write("41/fdinfo/3", "pos:\t0\nprog_type:\t29\nprog_id:\t7\n")
	link("41/fd/4", "anon_inode:bpf_link")
	write("41/fdinfo/4", "link_type:\ttracing\nlink_id:\t2\nprog_id:\t7\n")
	link("41/fd/5", "/dev/null")
	write("41/fdinfo/5", "prog_id:\t9\n") // not a descriptor of BPF
	write("42/comm", "bpftool\n")
	link("42/fd/9", "anon_inode:bpf-prog")
	write("42/fdinfo/9", "prog_id:\tnonsense\n")
	write("self/comm", "not a number\n")

	got, err := holders(proc)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !slices.Equal(got[7], []Holder{{41, "vArmor agent"}}) {
		t.Errorf("%v", got)
	}
}
