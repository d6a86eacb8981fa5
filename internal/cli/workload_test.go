package cli

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// workloadEnv makes the test binary a workload: a process in its own mount namespace. It
// performs the operations that it reads from stdin, such as `openat 1000`, or `openat*4 1000` for
// 1000 in each of four threads, and answers each line with `done`.
const workloadEnv = "LSMPROF_TEST_WORKLOAD"

// operations are what a workload can do: each is one call of one syscall. They run in their own directory.
var operations = map[string]func(i int) error{
	"openat": func(int) error {
		fd, err := unix.Open("file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	},
	// The same at uneven intervals. Where time is counted in instructions, timers hit an
	// exactly repeating loop at the same place in every iteration: always within a hook, or
	// never.
	"openat-uneven": func(int) error {
		for range rand.IntN(64) {
			unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
		fd, err := unix.Open("file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	},
	"denied": func(int) error {
		if _, err := unix.Open("secret.key", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != unix.EACCES {
			return fmt.Errorf("open: %w, want EACCES", err)
		}
		return nil
	},
	// No binary format accepts the file. The hooks run before the call fails, and the task goes on.
	"execve": func(int) error {
		if err := unix.Exec("junk", []string{"junk"}, nil); err != unix.ENOEXEC {
			return fmt.Errorf("execve: %w, want ENOEXEC", err)
		}
		return nil
	},
	"socket": func(int) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	},
	"connect": func(int) error {
		return unix.Connect(workloadSocket, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
	},
	"rename": func(i int) error {
		names := [2]string{"name0", "name1"}
		return unix.Rename(names[i%2], names[1-i%2])
	},
	"symlink": func(i int) error { return unix.Symlink("file", fmt.Sprint("symlink", i)) },
	"link":    func(i int) error { return unix.Link("file", fmt.Sprint("link", i)) },
	"unlink":  func(i int) error { return unix.Unlink(fmt.Sprint("link", i)) },
	"mount":   func(int) error { return unix.Mount("none", "mnt", "tmpfs", 0, "") },
	"umount2": func(int) error { return unix.Unmount("mnt", 0) },
	"getpgid": func(int) error { _, err := unix.Getpgid(os.Getpid()); return err },
}

var workloadSocket int

// lsmprofEnv makes the test binary the lsmprof command, to test signals, exit codes and streams from outside.
const lsmprofEnv = "LSMPROF_TEST_MAIN"

func TestMain(m *testing.M) {
	if names := os.Getenv(boundEnv); names != "" {
		fmt.Fprintln(os.Stderr, "lsmprof test:", execBound(names))
		os.Exit(125)
	}
	if os.Getenv(lsmprofEnv) != "" {
		os.Exit(Process())
	}
	if os.Getenv(workloadEnv) != "" {
		if err := workloadMain(); err != nil {
			fmt.Fprintln(os.Stderr, "workload:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func workloadMain() error {
	runtime.LockOSThread()
	dir, err := os.MkdirTemp("", "workload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chdir(dir); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"file": "content", "name0": "", "secret.key": "", "junk": "no binary format begins like this\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir("mnt", 0o755); err != nil {
		return err
	}
	if workloadSocket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
		return err
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		name, times, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(times)
		if err != nil {
			return err
		}
		name, threads, _ := strings.Cut(name, "*")
		if err := perform(operations[name], max(1, atoi(threads)), n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println("done")
	}
	return lines.Err()
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// perform runs an operation n times, in this thread or in each of several.
func perform(operation func(int) error, threads, n int) error {
	work := func() error {
		for i := range n {
			if err := operation(i); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}
	if threads == 1 {
		return work()
	}
	var g errgroup.Group
	for range threads {
		g.Go(func() error {
			runtime.LockOSThread() // and never unlock: the thread ends with its work
			return work()
		})
	}
	return g.Wait()
}

// workload is the test's handle on a workload process.
type workload struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    *os.File
	out   *bufio.Scanner
	mntns uint32
}

// startWorkload starts a workload in a new mount namespace and waits until it is ready.
func startWorkload(t *testing.T) *workload { return startIn(t, 0) }

// startIn is startWorkload with further new namespaces, given as clone flags.
func startIn(t *testing.T, namespaces uintptr) *workload {
	t.Helper()
	r, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), workloadEnv+"=1")
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Cloneflags: namespaces}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	w := &workload{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(w.stop)
	w.expect("ready")
	w.mntns = mntnsOf(t, cmd.Process.Pid)
	return w
}

// do makes the workload run an operation N times, and returns when it is done.
func (w *workload) do(operation string, times int) {
	w.t.Helper()
	if err := w.try(operation, times); err != nil {
		w.t.Fatal(err)
	}
}

// try is do for other goroutines than that of the test.
func (w *workload) try(operation string, times int) error {
	fmt.Fprintf(w.in, "%s %d\n", operation, times)
	return w.hear("done")
}

func (w *workload) expect(line string) {
	w.t.Helper()
	if err := w.hear(line); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workload) hear(line string) error {
	if !w.out.Scan() || w.out.Text() != line {
		return fmt.Errorf("workload: %q, want %q; it died?", w.out.Text(), line)
	}
	return nil
}

func (w *workload) stop() {
	w.in.Close()
	w.cmd.Wait()
}

func mntnsOf(t *testing.T, pid int) uint32 {
	t.Helper()
	link, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns/mnt"))
	if err != nil {
		t.Fatal(err)
	}
	var ns uint32
	if _, err := fmt.Sscanf(link, "mnt:[%d]", &ns); err != nil {
		t.Fatal(err)
	}
	return ns
}
