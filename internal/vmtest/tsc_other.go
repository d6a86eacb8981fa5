//go:build !amd64

package vmtest

// tscKHz returns 0: this machine has no time stamp counter.
func tscKHz() int { return 0 }
