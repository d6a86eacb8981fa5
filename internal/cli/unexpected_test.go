package cli

import (
	"bytes"
	"strings"
	"testing"
)

// An argument without -- before it is seldom a command.
func TestArgumentsThatAreNoCommand(t *testing.T) {
	for want, args := range map[string][]string{
		`"kernel,user"; did you mean --stacks=kernel,user?`: {"record", "--stacks", "kernel,user"},
		`"kernel"; did you mean --stack=kernel?`:            {"trace", "--stack", "kernel"},
		`"99"; did you mean --lines=99?`:                    {"record", "--lines", "99"},
		`"3s"; did you mean -d 3s?`:                         {"record", "3s"},
		`"3"; did you mean -d 3s?`:                          {"record", "3"},
		`"make"; put a command to run after --`:             {"record", "make", "test"},
		`"kernel"; see`:                                     {"trace", "kernel"},
	} {
		var errs bytes.Buffer
		if code := Main(args, nil, &errs, &errs); code != exitUsage ||
			!strings.Contains(errs.String(), "unexpected argument "+want) {
			t.Errorf("%q: exit status %d, %s; want %s", args, code, &errs, want)
		}
	}
}

// A machine cannot spend more CPUs than it has.
func TestForecastBeyondTheMachine(t *testing.T) {
	for number, beyond := range map[string]bool{"16": false, "100000": true} {
		var out bytes.Buffer
		args := []string{
			"forecast", "--model", "../../docs/sample/run", "--rules", number, "--profile",
			"../../docs/sample/run/profiles/rules=8/execl.pb.gz",
		}
		if code := Main(args, nil, &out, &out); code != 0 ||
			strings.Contains(out.String(), "more than 1 CPU, all that the machine has") != beyond {
			t.Errorf("%s rules: exit status %d, want the warning: %v\n%s", number, code, beyond, &out)
		}
	}
}
