// Package examples holds the files of this folder, so that tests can run them where the repository is not.
package examples

import "embed"

//go:embed varmor
var Files embed.FS
