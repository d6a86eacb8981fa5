package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// parseNoArgs is parse for a command that takes flags only.
func parseNoArgs(f *pflag.FlagSet, args []string) error {
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return usageError{fmt.Errorf("%s: unexpected argument %q; see `lsmprof %s --help`", f.Name(), f.Arg(0), f.Name())}
	}
	return nil
}
