// Command lsmprof measures what a BPF LSM enforcer costs the system it protects.
package main

import (
	"os"

	"github.com/lsmprof/lsmprof/internal/cli"
)

func main() {
	os.Exit(cli.Process())
}
