package cli

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// Ready files lie in folders that others can write to, such as /tmp, and have names that can be guessed. If
// another user has put a link there, lsmprof replaces the link, and neither empties nor creates its target.
func TestReadyFilesReplaceLinks(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"record": func(path string) error { return (&session{readyFile: path}).ready() },
		"serve": func(path string) error {
			o := &serveOptions{session: session{readyFile: path}}
			return o.listening(io.Discard, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6061})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			victim, missing := filepath.Join(dir, "victim"), filepath.Join(dir, "missing")
			if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, target := range []string{victim, missing} {
				ready := filepath.Join(dir, "ready")
				if err := errors.Join(os.RemoveAll(ready), os.Symlink(target, ready)); err != nil {
					t.Fatal(err)
				}
				if err := create(ready); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Lstat(ready); err != nil || !info.Mode().IsRegular() {
					t.Errorf("the ready file is %v, %v; want a regular file", info.Mode(), err)
				}
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
				t.Errorf("the file behind the link holds %q, %v", text, err)
			}
			if _, err := os.Lstat(missing); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a file was created behind the link: %v", err)
			}
		})
	}
}
