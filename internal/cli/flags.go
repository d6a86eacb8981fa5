package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
)

// invocation returns the command line that a result names as its origin.
func invocation(name string, args []string) []string {
	return append([]string{"lsmprof", name}, args...)
}

// didYouMeanAny returns a suggestion for the first word that is not among the candidates but resembles one.
func didYouMeanAny(words, candidates []string) string {
	for _, word := range words {
		if slices.Contains(candidates, word) {
			continue
		}
		if suggestion := cmdline.DidYouMean(word, candidates); suggestion != "" {
			return suggestion
		}
	}
	return ""
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
