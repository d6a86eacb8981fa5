package tracer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// hostileFile is the environment variable with which the test binary runs callFrom instead of tests.
const hostileFile = "LSMPROF_HOSTILE_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(hostileFile); path != "" {
		if err := callFrom(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// getpgidCode calls getpgid(1) with a frame pointer, and returns.
var getpgidCode = []byte{
	0x55,             // push %rbp
	0x48, 0x89, 0xe5, // mov %rsp, %rbp
	0xb8, 121, 0, 0, 0, // mov $121, %eax
	0xbf, 1, 0, 0, 0, // mov $1, %edi
	0x0f, 0x05, // syscall
	0x5d, // pop %rbp
	0xc3, // ret
}

// callFrom maps a file that ends in getpgidCode, and runs that code once for each byte on stdin.
func callFrom(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	// A func value points to a word that holds the address of the code.
	code := &mem[len(mem)-len(getpgidCode)]
	word := &code
	call := *(*func())(unsafe.Pointer(&word))
	in := bufio.NewReader(os.Stdin)
	for fmt.Println("mapped"); ; fmt.Println("called") {
		if _, err := in.ReadByte(); err != nil {
			return nil
		}
		call()
	}
}

// An unprivileged process maps crafted files, puts others in their place, and gets its stacks sampled.
func TestStacksOfAHostileProcess(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the process runs code for amd64")
	}
	lsmProgram(t, "watches", "task_getpgid", 0, allow()...)
	const huge = 1<<31 - 1
	bomb := withPclntab(3000, huge, 0, 0, 100, 200, 200, 200, 200)
	for name, swap := range map[string]func(path string) error{
		"crafted": func(string) error { return nil },
		"fifo":    func(path string) error { return unix.Mkfifo(path, 0o666) },
		"device": func(path string) error {
			return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) // /dev/zero
		},
		"link": func(path string) error { return os.Symlink("/proc/kcore", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, d := range []string{dir, filepath.Dir(dir)} {
				if err := os.Chmod(d, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, "app")
			if err := os.WriteFile(path, append(bomb, getpgidCode...), 0o755); err != nil {
				t.Fatal(err)
			}
			p := startHostile(t, path)
			if name != "crafted" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			if err := swap(path); err != nil {
				t.Fatal(err)
			}
			tr, err := Start(context.Background(), Options{
				Filter: Filter{PIDs: []uint32{uint32(p.cmd.Process.Pid)}}, Stacks: Stacks{User: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			p.call(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := tr.Poll(context.Background()); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("%d MiB were allocated for a file of %d KiB", took>>20, len(bomb)>>10)
			}
			snap, err := tr.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			var modules []string
			for _, row := range snap.Rows {
				for _, stack := range row.Stacks {
					for _, frame := range stack.User {
						modules = append(modules, frame.Module+" "+frame.Function)
					}
				}
			}
			if text := strings.Join(modules, "\n"); !strings.Contains(text, path+" \n") {
				t.Errorf("the stack is\n%s\nwant a frame without a function in %s", text, path)
			}
		})
	}
}

// hostileProcess runs callFrom as a user without privileges.
type hostileProcess struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

func startHostile(t *testing.T, path string) *hostileProcess {
	t.Helper()
	const nobody = 65534
	p := &hostileProcess{cmd: exec.Command("/proc/self/exe")}
	p.cmd.Env = append(os.Environ(), hostileFile+"="+path)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	p.expect(t, "mapped")
	return p
}

// call makes one call from the mapped file.
func (p *hostileProcess) call(t *testing.T) {
	t.Helper()
	if _, err := p.in.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "called")
}

func (p *hostileProcess) expect(t *testing.T, want string) {
	t.Helper()
	if got, err := p.out.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("the process says %q, %v, want %q", got, err, want)
	}
}
