package host

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// InCopies returns every test once for each number of copies in a list such as 1,N. N is the number of CPUs.
func InCopies(tests []rundir.Test, copies string) (all []rundir.Test, err error) {
	for s := range strings.SplitSeq(copies, ",") {
		n := runtime.NumCPU()
		if s = strings.TrimSpace(s); s != "N" {
			if n, err = strconv.Atoi(s); err != nil || n < 1 || n > rundir.MaxCopies {
				return nil, fmt.Errorf("%q is not a number from 1 to %d, nor N", s, rundir.MaxCopies)
			}
		}
		for _, t := range tests {
			all = append(all, t.WithCopies(n))
		}
	}
	return all, nil
}
