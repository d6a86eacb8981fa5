//go:build !amd64 && !arm64

package unixbench

var program []byte
