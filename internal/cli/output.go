package cli

import "github.com/lsmprof/lsmprof/internal/atomicfile"

// wrote returns the sentence about a file that was written, and about an earlier one that was kept.
func wrote(path string, keptOld bool) string {
	s := "wrote " + path
	if keptOld {
		s += " (kept the earlier one as " + path + atomicfile.OldSuffix + ")"
	}
	return s
}
