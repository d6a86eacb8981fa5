package unixbench

import _ "embed"

//go:embed suite/suite_arm64
var program []byte
