package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/lsmprof/lsmprof/internal/ownns"
)

// Process runs the command line of this process and returns the exit code. Unlike [Main] it first moves the process
// into its own mount namespace if the command measures, so that lsmprof can leave itself out.
func Process() int {
	args := os.Args[1:]
	if len(args) > 0 && slices.Contains([]string{"record", "top", "trace", "serve", "bench"}, args[0]) {
		// Without the privilege, the command fails with a better message.
		if err := ownns.Enter(); err != nil && !errors.Is(err, fs.ErrPermission) {
			fmt.Fprintf(os.Stderr, "lsmprof: warning: lsmprof measures its own calls too: %v\n", err)
		}
	}
	return Main(args, os.Stdin, os.Stdout, os.Stderr)
}
