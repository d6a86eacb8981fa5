package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// maxSample keeps what a sample stands for within the 32-bit counters of the probes.
const maxSample = 1 << 20

// sampleFlag is `64` or `1/64`.
type sampleFlag int

func (s *sampleFlag) Set(value string) error {
	n, err := strconv.Atoi(strings.TrimPrefix(value, "1/"))
	if err != nil || n < 1 || n > maxSample {
		return fmt.Errorf("%q: must be N or 1/N, N from 1 to %d", value, maxSample)
	}
	*s = sampleFlag(n)
	return nil
}

func (s *sampleFlag) String() string { return strconv.Itoa(max(1, int(*s))) }
func (s *sampleFlag) Type() string   { return "N" }
