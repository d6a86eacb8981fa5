package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// clearLine takes back a line of progress.
const clearLine = "\r\x1b[K"

// isTerminal says whether somebody sees progress on w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
