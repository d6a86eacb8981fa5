package vmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// InGuest reports whether this process is process 1 of a guest, and must call GuestInit.
func InGuest() bool { return os.Getpid() == 1 && os.Args[0] == initPath }

// GuestInit does the work of process 1: it prepares the guest, runs the command, reports its status and powers off. It
// does not return.
func GuestInit() {
	// A panic must end the guest at once. The kernel would only complain about its init.
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	if err := mountAll(); err != nil {
		fmt.Println("vmtest init:", err)
		return
	}
	tty, err := openControl()
	if err != nil {
		fmt.Println("vmtest init:", err)
		return
	}
	ctl := &frameWriter{w: tty}
	status, err := runGuest(ctl)
	if err != nil {
		ctl.send(frameFailed, []byte(err.Error()))
	} else {
		ctl.send(frameExit, []byte{status})
	}
	unix.Sync()
	// Powering off must not overtake the bytes that the serial driver still holds.
	unix.IoctlSetInt(int(tty.Fd()), unix.TCSBRK, 1)
}

func runGuest(ctl *frameWriter) (byte, error) {
	text, err := os.ReadFile(specPath)
	if err != nil {
		return 0, err
	}
	var spec guestSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return 0, fmt.Errorf("%s: %w", specPath, err)
	}
	if err := prepare(spec); err != nil {
		return 0, err
	}
	if err := ctl.send(frameBegin, nil); err != nil {
		return 0, err
	}
	status, err := runCommand(ctl, spec)
	if err != nil {
		return 0, err
	}
	return status, saveFiles(spec.Out)
}

// runCommand passes output on while the command runs, and reaps every process that loses its parent.
func runCommand(ctl *frameWriter, spec guestSpec) (byte, error) {
	for _, kv := range spec.Env {
		k, v, _ := strings.Cut(kv, "=")
		os.Setenv(k, v)
	}
	bin, err := exec.LookPath(spec.Args[0])
	if err != nil {
		ctl.send(frameStderr, []byte(err.Error()+"\n"))
		return 127, nil
	}
	var copying sync.WaitGroup
	files := []*os.File{nil, nil, nil}
	if files[0], err = os.Open(os.DevNull); err != nil {
		return 0, err
	}
	for fd, kind := range map[int]frameKind{1: frameStdout, 2: frameStderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		files[fd] = w
		copying.Go(func() { io.CopyBuffer(struct{ io.Writer }{ctl.stream(kind)}, r, make([]byte, 16<<10)) })
	}
	p, err := os.StartProcess(bin, spec.Args, &os.ProcAttr{
		Dir: spec.Dir, Env: os.Environ(), Files: files, Sys: &unix.SysProcAttr{Setsid: true},
	})
	if err != nil {
		ctl.send(frameStderr, []byte(err.Error()+"\n"))
		return 126, nil
	}
	for _, f := range files {
		f.Close()
	}
	ws, err := reapUntil(p.Pid)
	if err != nil {
		return 0, err
	}
	// Processes that the command left behind would keep the pipes open.
	unix.Kill(-1, unix.SIGKILL)
	copying.Wait()
	if ws.Signaled() {
		ctl.send(frameNote, fmt.Appendf(nil, "the command was ended by signal %d (%v)", ws.Signal(),
			ws.Signal()))
		return 128 + byte(ws.Signal()), nil
	}
	return byte(ws.ExitStatus()), nil
}

func reapUntil(pid int) (unix.WaitStatus, error) {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait for process %d: %w", pid, err)
		case got == pid:
			return ws, nil
		}
	}
}

// openControl opens the second serial port as a transparent byte stream.
func openControl() (*os.File, error) {
	tty, err := os.OpenFile(here().control, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	raw := unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200}
	raw.Cc[unix.VMIN] = 1
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("%s: raw mode: %w", tty.Name(), err)
	}
	return tty, nil
}

// waitFor polls until holds returns true, or returns an error after limit.
func waitFor(what string, limit time.Duration, holds func() bool) error {
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("guest: %s: not within %v", what, limit)
		}
	}
	return nil
}
