package bench

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

func TestCheckShell(t *testing.T) {
	for command, want := range map[string]string{
		"true":                            "",
		"  sleep 1":                       "",
		"/bin/sh -c true":                 "",
		"LC_ALL=C N=1 sort":               "",
		"! false":                         "",
		"if true; then echo 1; fi":        "",
		"f() { :; }; f":                   "",
		"\"$HOME/no-such\"":               "",
		"cd / && no-such-command":         "",
		"# a comment":                     "",
		"no-such-command -x":              "no-such-command: command not found",
		"A=b ./no-such.sh":                "./no-such.sh: command not found",
		"/no/such/program":                "/no/such/program: command not found",
		"if true; then":                   "the shell does not understand",
		"echo 'unfinished":                "the shell does not understand",
		"echo )":                          "the shell does not understand",
		"while :; do echo; done; }; echo": "the shell does not understand",
	} {
		err := CheckShell(command, "")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}

func TestCheckSteps(t *testing.T) {
	step := func(run string) *rundir.Step { return &rundir.Step{Run: run, Timeout: stepTimeout} }
	all := []rundir.Scenario{
		{Name: "without"},
		{Name: "policy", Setup: step("true"), Teardown: step("no-such-command")},
	}
	if err := CheckSteps(all); err == nil ||
		err.Error() != "teardown of scenario policy: no-such-command: command not found" {
		t.Errorf("%v", err)
	}
}
