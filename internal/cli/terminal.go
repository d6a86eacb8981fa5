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

// width returns the number of columns of the terminal that w is, or 80.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	return 80
}
