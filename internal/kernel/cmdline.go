package kernel

import (
	"os"
	"strings"
)

// bootParameter returns the value of a parameter on the kernel's command line, "" if it is missing. The name includes
// the `=`.
func bootParameter(name string) string {
	data, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return ""
	}
	return findParameter(string(data), name)
}

// findParameter returns the value of a parameter on a command line. The last occurrence counts.
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
