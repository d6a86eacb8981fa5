package cli

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Run names its files after the host, which may have dots in its name.
func TestImportedScenarioNames(t *testing.T) {
	onHost(t)
	testdata := os.DirFS("../unixbench/score/testdata")
	read := func(name string) []byte {
		data, err := fs.ReadFile(testdata, name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	text, slower, log := read("one-copy"), read("one-copy-slower"), read("run-i3-c1c2.log")
	other := bytes.ReplaceAll(text, []byte("(10.0 s, 7 samples)"), []byte("(10.1 s, 7 samples)"))
	for name, c := range map[string]struct {
		files map[string][]byte
		args  []string
		code  int
		want  []string
	}{
		"dots in the name of the host": {
			map[string][]byte{
				"ip-10-0-0-7.example.internal-2026-01-02-01": text,
				"ip-10-0-0-7.example.internal-2026-01-02-02": slower,
			},
			[]string{
				"ip-10-0-0-7.example.internal-2026-01-02-01",
				"ip-10-0-0-7.example.internal-2026-01-02-02",
			},
			exitOK,
			[]string{"ip-10-0-0-7.example.internal-2026-01-02-02", "10.00 %"},
		},
		"a host called like an extension": {
			map[string][]byte{"web.log-2026-01-02-01": text, "web.log-2026-01-02-02": slower},
			[]string{"web.log-2026-01-02-01", "web.log-2026-01-02-02"},
			exitOK,
			[]string{
				"web.log-2026-01-02-02", "10.00 %",
				"No loss can be told from noise: each cell has one round.\n" +
					"The losses that one round shows, and cannot prove, are all 10.0 %.",
				"in %; of one round; ~", "fit a model to the benchmark: it has",
			},
		},
		"logs": {
			map[string][]byte{"a.b-2026-01-02-01.log": log, "a.c-2026-01-02-01.log": log},
			[]string{"a.b-2026-01-02-01.log", "a.c-2026-01-02-01.log"},
			exitOK,
			[]string{"a.c-2026-01-02-01", "0.00 %"},
		},
		"one name in two folders": {
			map[string][]byte{"old/node-2026-01-02-01": text, "new/node-2026-01-02-01": slower},
			[]string{"old/node-2026-01-02-01", "new/node-2026-01-02-01"},
			exitFailed,
			[]string{"would both be scenario node-2026-01-02-01"},
		},
		"the log and the report of one run": {
			map[string][]byte{"node-01": text, "node-01.log": log}, []string{
				"node-01",
				"node-01.log",
			}, exitFailed, []string{"would both be scenario node-01"},
		},
		"one scenario twice, by name": {
			map[string][]byte{"1": text, "2": other, "3": slower}, []string{
				"base=1", "base=2",
				"new=3",
			}, exitOK, []string{"new", "10.00 %"},
		},
		"one run in two files": {
			map[string][]byte{"1": text, "2": text},
			[]string{"base=1", "base=2"},
			exitFailed,
			[]string{"scenario base has the same run twice, in 1 and in 2"},
		},
		"one run twice in a file": {
			map[string][]byte{"1": append(slices.Clone(text), text...)},
			[]string{"base=1"},
			exitFailed,
			[]string{"scenario base has the same run twice, in 1 and in 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, data := range c.files {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"bench", "--dir", "run"}
			for _, a := range c.args {
				args = append(args, "--import", a)
			}
			var out bytes.Buffer
			code := Main(args, strings.NewReader(""), &out, &out)
			if code != c.code {
				t.Fatalf("exit %d, want %d: %s", code, c.code, out.String())
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in: %s", want, out.String())
				}
			}
		})
	}
}
