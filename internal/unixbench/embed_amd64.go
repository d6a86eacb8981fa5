package unixbench

import _ "embed"

//go:embed suite/suite_amd64
var program []byte
