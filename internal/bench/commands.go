package bench

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// CheckSteps checks that the commands of scripted scenarios can be found. It is no proof that they succeed.
func CheckSteps(all []rundir.Scenario) error {
	for _, s := range all {
		steps := map[string]*rundir.Step{"setup": s.Setup, "ready": s.Ready, "teardown": s.Teardown}
		for what, step := range steps {
			if step == nil {
				continue
			}
			if err := CheckShell(step.Run, ""); err != nil {
				return fmt.Errorf("%s of scenario %s: %w", what, s.Name, err)
			}
		}
	}
	return nil
}

// plainWord is a word that means the same to the shell and to its reader.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./+-]+$`)

// CheckShell checks the syntax of a shell command, and that its first word is a command of the shell or a program.
// Words in the middle are not checked: the shell alone knows which of them are commands.
func CheckShell(command, dir string) error {
	syntax := exec.Command("/bin/sh", "-n", "-c", command)
	if out, err := syntax.CombinedOutput(); err != nil {
		return fmt.Errorf("the shell does not understand %q: %s", command, lastLine(string(out)))
	}
	for word := range strings.FieldsSeq(command) {
		if name, _, assigns := strings.Cut(word, "="); assigns && plainWord.MatchString(name) {
			continue // VARIABLE=value before the command
		}
		if !plainWord.MatchString(word) {
			return nil
		}
		lookup := exec.Command("/bin/sh", "-c", `command -v -- "$1"`, "sh", word)
		lookup.Dir = dir
		if lookup.Run() != nil {
			return fmt.Errorf("%s: command not found", word)
		}
		return nil
	}
	return nil
}
