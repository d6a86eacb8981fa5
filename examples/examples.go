// Package examples embeds the files of this folder, so that tests can run them on a machine without the repository.
package examples

import "embed"

//go:embed varmor
var Files embed.FS
