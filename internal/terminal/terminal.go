// Package terminal knows which streams are terminals, and prints to those: colors, lines of progress, and plain ASCII
// where the character set is not UTF-8. Streams that are not terminals get none of these.
package terminal

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/text"
)

// clearLine erases the current line of a terminal.
const clearLine = "\r\x1b[K"

// defaultWidth is the width, in columns, of streams that are not terminals.
const defaultWidth = 80

// file returns the file behind an output stream, or nil if there is none.
func file(w io.Writer) *os.File {
	switch w := w.(type) {
	case *os.File:
		return w
	case asciiWriter:
		return w.file
	}
	return nil
}

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	f := file(w)
	if f == nil {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Screen reports whether w is a terminal that can move its cursor. TERM=dumb is the terminal of an editor, which shows
// escape sequences as they are.
func Screen(w io.Writer) bool { return Is(w) && os.Getenv("TERM") != "dumb" }

// Width returns the number of columns of the terminal that w is, or 80 if it is none.
func Width(w io.Writer) int {
	if f := file(w); f != nil {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	return defaultWidth
}

// asciiWriter is a terminal that cannot display UTF-8.
type asciiWriter struct{ file *os.File }

func (w asciiWriter) Write(p []byte) (int, error) {
	if _, err := w.file.WriteString(text.ASCII(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Spell makes w print plain ASCII, such as us for µs, if it is a terminal whose character set is not UTF-8. Files and
// pipes are always UTF-8.
func Spell(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && Is(f) && !utf8Locale(os.Getenv) {
		return asciiWriter{f}
	}
	return w
}

// Plain returns the stream behind w as a child process should get it: a file if there is one.
func Plain(w io.Writer) io.Writer {
	if f := file(w); f != nil {
		return f
	}
	return w
}

// utf8Locale reports whether the locale's character set is UTF-8: see locale(7) for the order of the variables.
func utf8Locale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := env(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// Paint colors s if Colors(w).
func Paint(w io.Writer, color, s string) string {
	if !Colors(w) {
		return s
	}
	return color + s + "\x1b[0m"
}

// Colors reports whether w is a terminal on which the user wants colors: see no-color.org.
func Colors(w io.Writer) bool {
	return Screen(w) && os.Getenv("NO_COLOR") == ""
}

// Colors for Paint.
const (
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"
)
