package recording

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

// Paths of sources come from programs that others loaded, and the folder may have a name that can be guessed.
func TestSourcesOfHostileProgramsStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	pprof, there := filepath.Join(dir, "p.pb.gz"), filepath.Join(dir, "there")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	in := &profile.Inside{Programs: []profile.Source{{Lines: []profile.SourceLine{
		{File: "a", Line: 1, Text: "in a"},
		{File: "a/b", Line: 1, Text: "a is a file"},
		{File: "src/c.h", Line: 1, Text: "in \x1b[2Jc"},
	}}}}
	if got, _ := WriteSources(pprof, in); got != filepath.Join(dir, "p.sources") {
		t.Errorf("the sources are in %q", got)
	}
	for name, want := range map[string]string{"a": "in a\n", "src/c.h": "in ?[2Jc\n"} {
		if text, err := os.ReadFile(filepath.Join(dir, "p.sources", name)); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v; want %q", name, text, err, want)
		}
	}
	if os.Geteuid() != 0 {
		return // only root can make links of other users
	}
	link := SourcesPath(filepath.Join(dir, "q.pb.gz"))
	if err := errors.Join(os.Symlink(there, link), os.Lchown(link, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	if got, _ := WriteSources(filepath.Join(dir, "q.pb.gz"), in); got != "" {
		t.Errorf("the sources are in %q", got)
	}
	if entries, err := os.ReadDir(there); err != nil || len(entries) != 0 {
		t.Errorf("%d files or folders were made behind another user's link, %v", len(entries), err)
	}
}

func TestRulesPath(t *testing.T) {
	for path, want := range map[string]string{
		"lsmprof.pb.gz": "lsmprof.rules.pb.gz", "/a/x.pb": "/a/x.rules.pb", "x.gz": "x.rules.gz",
		"x": "x.rules",
	} {
		if got := RulesPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
