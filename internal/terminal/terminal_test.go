package terminal

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal with this many columns: the one that a user sees and the one that
// a program writes to.
func openTerminal(t *testing.T, columns uint16) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	size := unix.Winsize{Col: columns, Row: 24}
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	return user, program
}

func TestTerminalThatIsNotUTF8(t *testing.T) {
	user, program := openTerminal(t, 132)
	printed := bufio.NewReader(user)
	for locale, want := range map[string]string{"C": "3.84 us\r\n", "en_US.UTF-8": "3.84 µs\r\n"} {
		t.Setenv("LC_ALL", locale)
		w := Spell(program)
		if !Is(w) || Width(w) != 132 || Plain(w) != io.Writer(program) {
			t.Errorf("%s: terminal %v with %d columns, want 132", locale, Is(w), Width(w))
		}
		if _, err := io.WriteString(w, "3.84 µs\n"); err != nil {
			t.Fatal(err)
		}
		got, err := printed.ReadString('\n') // a single Read may return less
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", locale, got, err, want)
		}
	}
}

func TestFilesAreUTF8InEveryLocale(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	var out bytes.Buffer
	fmt.Fprint(Spell(&out), "µs")
	if out.String() != "µs" || Is(&out) || Width(&out) != defaultWidth {
		t.Errorf("%q, terminal %v, %d columns", out.String(), Is(&out), Width(&out))
	}
}

func TestUTF8Locale(t *testing.T) {
	for _, test := range []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "", false},
		{"", "", "en_US.UTF-8", true},
		{"", "", "de_DE.utf8", true},
		{"", "C", "en_US.UTF-8", false},
		{"C.UTF-8", "C", "C", true},
		{"", "", "de_DE.ISO-8859-1", false},
	} {
		env := map[string]string{"LC_ALL": test.all, "LC_CTYPE": test.ctype, "LANG": test.lang}
		if got := utf8Locale(func(name string) string { return env[name] }); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestPaint(t *testing.T) {
	_, program := openTerminal(t, 80)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if got, want := Paint(program, Red, "no"), "\x1b[31mno\x1b[0m"; got != want {
		t.Errorf("on a terminal: %q, want %q", got, want)
	}
	if got := Paint(&bytes.Buffer{}, Red, "no"); got != "no" {
		t.Errorf("in a file: %q", got)
	}
	t.Setenv("NO_COLOR", "1")
	if got := Paint(program, Red, "no"); got != "no" {
		t.Errorf("with NO_COLOR: %q", got)
	}
}

// The terminal of an editor shows escape sequences as they are.
func TestDumbTerminal(t *testing.T) {
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer pty.Close()
	t.Setenv("NO_COLOR", "")
	for term, want := range map[string]bool{"dumb": false, "xterm": true, "": true} {
		t.Setenv("TERM", term)
		if !Is(pty) || Screen(pty) != want || Colors(pty) != want || NewProgress(pty, false).terminal != want {
			t.Errorf("TERM=%s: want a screen, colors and a line that changes: %v", term, want)
		}
	}
}
