//go:build !arm64

package kernel

func counterFrequency() uint64 { return 0 }
