package cli

import (
	"bytes"
	"strings"
	"testing"
)

// An argument without -- before it is seldom a command.
func TestArgumentsThatAreNoCommand(t *testing.T) {
	for want, args := range map[string][]string{
		`"kernel,user"; did you mean --stacks=kernel,user?`: {"--stacks", "kernel,user"},
		`"3s"; did you mean -d 3s?`:                         {"3s"},
		`"3"; did you mean -d 3s?`:                          {"3"},
		`"make"; put a command to run after --`:             {"make", "test"},
	} {
		var errs bytes.Buffer
		if code := Main(append([]string{"record"}, args...), nil, &errs, &errs); code != exitUsage ||
			!strings.Contains(errs.String(), "unexpected argument "+want) {
			t.Errorf("%q: exit status %d, %s; want %s", args, code, &errs, want)
		}
	}
}
