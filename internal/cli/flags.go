package cli

import (
	"slices"

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
