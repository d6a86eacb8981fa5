package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// invocation is the command line that a result names as its origin.
func invocation(name string, args []string) []string {
	return append([]string{"lsmprof", name}, args...)
}

// maxSample keeps the weight of a sample within the 32-bit counters of the probes.
const maxSample = 1 << 20

// sampleFlag is the value of a flag for one in N: `64` or `1/64`.
type sampleFlag int

func (s *sampleFlag) Set(value string) error {
	n, err := strconv.Atoi(strings.TrimPrefix(value, "1/"))
	if err != nil || n < 1 || n > maxSample {
		return fmt.Errorf("must be N or 1/N with N from 1 to %d", maxSample)
	}
	*s = sampleFlag(n)
	return nil
}

func (s *sampleFlag) String() string { return strconv.Itoa(max(1, int(*s))) }
func (s *sampleFlag) Type() string   { return "N" }
