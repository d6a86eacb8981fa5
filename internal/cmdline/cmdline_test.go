package cmdline

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// options are the values of the flags in declare.
type options struct {
	duration time.Duration
	rows     int
	pids     []uint
	programs []string
	syscalls []string
	loss     float64
	file     string
	stacks   string
	Destination
	quiet, verbose, help, helpAll bool
}

// declare is a tool with one command that has a flag of each kind.
func declare(o *options) *Tool {
	f := NewFlags("record")
	f.VarP(Duration(&o.duration, Positive), "duration", "d", "Record for this long. By default Ctrl-C ends it.")
	f.Group(Filters)
	f.Var(IDs(&o.pids), "pid", "Record only these processes.")
	f.Var(Globs(&o.programs), "program", "Record only programs whose name matches one of these globs.")
	f.StringSliceVar(&o.syscalls, "syscall", nil, "Record only these syscalls.")
	f.Values("syscall", func() []string { return []string{"open", "openat", "rename"} })
	o.Path = "profile.pb.gz"
	o.Destination.Flags(f, "Write the profile to this `FILE`.", "text", "json")
	o.rows = 30
	f.Var(Int(&o.rows, 0, math.MaxInt), "top", "Print this many rows; 0 prints all.")
	f.Group("A group of the command's own")
	f.Var(Percent(&o.loss), "fail-over", "Fail if a loss is larger.")
	f.Group(Advanced)
	f.StringVar(&o.stacks, "stacks", "", "Record stacks: `WHICH` is kernel or user.")
	f.Lookup("stacks").NoOptDefVal = "kernel"
	f.Var(File(&o.file), "calibration", "Take the calibration from this file.")
	f.NoEnv("calibration")
	f.Rare("calibration")
	f.AddCommon(&o.quiet, &o.verbose, &o.help, &o.helpAll)
	hidden := &Command{Name: "man", Summary: "Write man pages", Flags: NewFlags("man")}
	check := &Command{Name: "check", Summary: "Check this machine", Group: "Look", Flags: NewFlags("check")}
	record := &Command{
		Name: "record", Args: "[-- COMMAND...]", Group: "Look", Summary: "Record what programs cost", Flags: f,
		Text: "The first paragraph is long enough to be broken at the width of an ordinary terminal, which " +
			"is 80 columns.\n\n.The second.",
		Examples: []Example{
			{"Record for 30 seconds", "sudo tool record -d 30s"},
			{"Record one process", "sudo tool record --pid 17"},
		},
	}
	return &Tool{
		Name: "tool", Summary: "Measures things.", URL: "https://example.com",
		Commands: []*Command{check, record, hidden},
		Exits:    []Exit{{0, "Success."}, {2, "The command line is wrong."}},
	}
}

func TestHelp(t *testing.T) {
	tool := declare(&options{})
	record := tool.Find("record")
	for name, help := range map[string]string{
		"help_tool.txt": tool.Help(80), "help_80.txt": record.Help(tool, 80, false),
		"help_40.txt":  record.Help(tool, 40, false),
		"help_all.txt": record.Help(tool, 200, true),
	} {
		golden.Equal(t, name, []byte(help))
		for line := range strings.Lines(help) {
			if width, limit := len([]rune(strings.TrimSuffix(line, "\n"))), 100; width > limit {
				t.Errorf("%s: %d columns: %s", name, width, line)
			}
		}
	}
}

func TestManPages(t *testing.T) {
	pages := declare(&options{}).ManPages("tool v1.2.3")
	if len(pages) != 3 || pages["tool-man.1"] != "" {
		t.Errorf("got %d pages, want those of the tool and of its two visible commands", len(pages))
	}
	golden.Equal(t, "tool.1", []byte(pages["tool.1"]))
	golden.Equal(t, "tool-record.1", []byte(pages["tool-record.1"]))
}

func TestErrorsSayWhichValuesAFlagTakes(t *testing.T) {
	for args, want := range map[string]string{
		"--durration 3s": "unknown flag --durration (did you mean --duration?)",
		"--nope":         "unknown flag --nope",
		"-x":             "unknown flag -x",
		"-d":             "--duration needs a value: DURATION",
		"-d 3":           "-d 3: must be a duration (did you mean 3s?)",
		"-d three":       "-d three: must be a duration, such as 500ms, 30s or 2m",
		"-d 0s":          "-d 0s: must be longer than 0",
		"--top -1":       "--top -1: must be at least 0",
		"--top 1.5":      "--top 1.5: must be a whole number",
		"--pid abc": "--pid abc: must be a number from 1 to 4294967295, or several with commas " +
			"between",
		"--pid 0":             "--pid 0: must be a number from 1 to 4294967295, or several with commas between",
		"--program [":         `--program [: "[" is not a pattern of *, ? and [a-z]`,
		"--format yaml":       "--format yaml: must be text or json",
		"--format jsn":        `--format jsn: must be text or json (did you mean "json"?)`,
		"--json=maybe":        "--json maybe: must be true or false",
		"--quiet=maybe":       "-q maybe: must be true or false",
		"--fail-over NaN":     "--fail-over NaN: must be a percentage above 0 and up to 100, such as 2%",
		"--fail-over 200%":    "--fail-over 200%: must be a percentage above 0 and up to 100, such as 2%",
		"--fail-over 0":       "--fail-over 0: must be a percentage above 0 and up to 100, such as 2%",
		"--calibration /nope": "--calibration /nope: no such file or directory",
		"--calibration /":     "--calibration /: is a directory",
	} {
		err := declare(&options{}).Find("record").Flags.Parse(strings.Fields(args), noEnv)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func noEnv(string) (string, bool) { return "", false }

func TestOutputAndFormat(t *testing.T) {
	for args, want := range map[string]Destination{
		"":                   {Path: "profile.pb.gz", Format: "text"},
		"-o out.pb.gz":       {Path: "out.pb.gz", Format: "text"},
		"--output - --json":  {Path: "-", Format: "json"},
		"--format json -o x": {Path: "x", Format: "json"},
		"--json=false":       {Path: "profile.pb.gz", Format: "text"},
		"-o json": {
			Path: "profile.pb.gz", Format: "json",
			Note: "-o json means --format json; for a file of that name write -o ./json",
		},
		"-o json --output=-": {
			Path: "-", Format: "json",
			Note: "-o json means --format json; for a file of that name write -o ./json",
		},
		"-o ./json":               {Path: "./json", Format: "text"},
		"--json --format text -q": {Path: "profile.pb.gz", Format: "text"},
	} {
		var o options
		if err := declare(&o).Find("record").Flags.Parse(strings.Fields(args), noEnv); err != nil ||
			o.Destination != want {
			t.Errorf("%s: %+v, %v; want %+v", args, o.Destination, err, want)
		}
	}
}

func TestEnvironmentSetsDefaults(t *testing.T) {
	env := func(name string) (string, bool) {
		value, ok := map[string]string{
			"LSMPROF_PID": "1,2", "LSMPROF_TOP": "5", "LSMPROF_RECORD_TOP": "6", "LSMPROF_PROGRAM": "a*",
			"LSMPROF_CALIBRATION": "/nope",
			"LSMPROF_HELP":        "true", "LSMPROF_DURATION": "",
		}[name]
		return value, ok
	}
	var o options
	f := declare(&o).Find("record").Flags
	if err := f.Parse([]string{"--program", "b*"}, env); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.pids, []uint{1, 2}) || o.rows != 6 || !slices.Equal(o.programs, []string{"b*"}) || o.help ||
		o.file != "" {
		t.Errorf("got %+v", o)
	}
	for name, want := range map[string]bool{"pid": true, "program": true, "duration": false, "syscall": false} {
		if f.Given(name) != want {
			t.Errorf("Given(%s) = %v", name, !want)
		}
	}
	bad := func(name string) (string, bool) { return "abc", name == "LSMPROF_DURATION" }
	err := declare(&o).Find("record").Flags.Parse(nil, bad)
	if want := "LSMPROF_DURATION=abc: must be a duration, such as 500ms, 30s or 2m"; err == nil ||
		err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// --json and --format set one value: either of them on the command line hides the environment variables of both.
func TestCommandLineTakesPrecedenceOverTheEnvironment(t *testing.T) {
	for args, env := range map[string]string{
		"--json": "LSMPROF_FORMAT=text", "--format json": "LSMPROF_JSON=false", "": "LSMPROF_FORMAT=json",
		"-q": "LSMPROF_RECORD_JSON=true",
	} {
		name, value, _ := strings.Cut(env, "=")
		var o options
		err := declare(&o).Find("record").Flags.Parse(strings.Fields(args), func(asked string) (string, bool) {
			return value, asked == name
		})
		if err != nil || !o.JSON() {
			t.Errorf("%s %s: format %s, %v; want json", env, args, o.Format, err)
		}
	}
}

func TestListsGrowWithEachFlag(t *testing.T) {
	var o options
	var formats []string
	tool := declare(&o)
	f := tool.Find("record").Flags
	formats = []string{"html"}
	f.Var(Choices(&formats, "html", "md", "csv"), "formats", "Write these formats.")
	if err := f.Parse(strings.Fields("--pid 1 --pid 2,3 --program a,b --program c --formats md,csv --formats html"),
		noEnv); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.pids, []uint{1, 2, 3}) || !slices.Equal(o.programs, []string{"a", "b", "c"}) {
		t.Errorf("got %v, %v", o.pids, o.programs)
	}
	if !slices.Equal(formats, []string{"md", "csv", "html"}) {
		t.Errorf("formats %v: the first flag replaces the default, others add to it", formats)
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"check", "list", "record", "report", "top"}
	for word, want := range map[string]string{
		"chekc": "check", "recrod": "record", "lst": "list", "tpo": "top", "repo": "report", "xyz": "", "t": "",
		"bench": "",
	} {
		got := DidYouMean(word, names)
		if want != "" {
			want = ` (did you mean "` + want + `"?)`
		}
		if got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	for words, want := range map[string]string{
		"":                         "check record",
		"re":                       "record",
		"help ch":                  "check",
		"record --du":              "--duration",
		"record --format ":         "text json",
		"record --format j":        "json",
		"record --format=j":        "--format=json",
		"record --syscall ren":     "rename",
		"record --syscall open,re": "open,rename",
		"record -o ":               "",
		"record --stacks --forma":  "--format",
		"record -- --du":           "",
		"nope --du":                "",
	} {
		var got []string
		for _, candidate := range declare(&options{}).Complete(strings.Split(words, " ")) {
			word, _, _ := strings.Cut(candidate, "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

func TestExistingFile(t *testing.T) {
	dir := t.TempDir()
	var name string
	if err := Directory(&name).Set(dir); err != nil || name != dir {
		t.Errorf("%q, %v", name, err)
	}
	if err := Directory(&name).Set(filepath.Join(dir, "x")); err == nil ||
		err.Error() != "no such file or directory" {
		t.Errorf("a missing directory: %v", err)
	}
}

// FuzzParse looks for arguments that make Parse panic, or that it refuses without a reason.
func FuzzParse(f *testing.F) {
	for _, args := range []string{
		"-d 3s --pid 1,2", "--json=false -o json", "--program [", "-qv -- -x", "--top=",
		"---", "-d", "--=x",
	} {
		f.Add(args, "1")
	}
	f.Fuzz(func(t *testing.T, args, value string) {
		flags := declare(&options{}).Find("record").Flags
		err := flags.Parse(strings.Fields(args), func(name string) (string, bool) {
			return value,
				name == "LSMPROF_PID"
		})
		if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "strconv")) {
			t.Errorf("%q: %q", args, err)
		}
	})
}
