package kernel

import (
	"os"
	"strings"
)

// bootParameter is the value of a kernel parameter, which is given with its `=`; empty where it was not given.
func bootParameter(name string) string {
	data, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return ""
	}
	return findParameter(string(data), name)
}

// findParameter: of several, the last one counts.
func findParameter(cmdline, name string) string {
	last := ""
	for _, word := range strings.Fields(cmdline) {
		if word == "--" {
			break // what follows is for init
		}
		if value, ok := strings.CutPrefix(word, name); ok {
			last = value
		}
	}
	return last
}
