package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// opens32 returns a 32-bit program that opens path n times and exits, and the name of its open.
func opens32(path string, n byte) (elf []byte, open string) {
	if runtime.GOARCH == "arm64" {
		code := []byte{
			n, 0x40, 0xa0, 0xe3, // mov r4, n
			5, 0x70, 0xa0, 0xe3, // again: mov r7, open
			32, 0x00, 0x8f, 0xe2, // add r0, pc, to the path
			0, 0x10, 0xa0, 0xe3, // mov r1, 0
			0, 0, 0, 0xef, // svc 0
			6, 0x70, 0xa0, 0xe3, // mov r7, close
			0, 0, 0, 0xef,
			1, 0x40, 0x54, 0xe2, // subs r4, r4, 1
			0xf7, 0xff, 0xff, 0x1a, // bne again
			1, 0x70, 0xa0, 0xe3, // mov r7, exit
			0, 0, 0xa0, 0xe3, // mov r0, 0
			0, 0, 0, 0xef,
		}
		const eabi5 = 5 << 24
		return elf32(40, eabi5, append(code, path+"\x00"...)), "arm:open"
	}
	code := []byte{
		0xbe, n, 0, 0, 0, // mov esi, n
		0xb8, 5, 0, 0, 0, // again: mov eax, open
		0xbb, 0, 0, 0, 0, // mov ebx, path
		0x31, 0xc9, // xor ecx, ecx
		0xcd, 0x80, // int 0x80
		0x89, 0xc3, // mov ebx, eax
		0xb8, 6, 0, 0, 0, // mov eax, close
		0xcd, 0x80,
		0x4e,       // dec esi
		0x75, 0xe6, // jnz again
		0xb8, 1, 0, 0, 0, // mov eax, exit
		0x31, 0xdb, // xor ebx, ebx
		0xcd, 0x80,
	}
	binary.LittleEndian.PutUint32(code[11:], elf32Code+uint32(len(code)))
	return elf32(3, 0, append(code, path+"\x00"...)), "ia32:open"
}

// elf32Base and elf32Code are the addresses of a program of elf32, and of its code.
const (
	elf32Base = 0x08048000
	elf32Code = elf32Base + 52 + 32
)

// elf32 returns a program for a machine of 32 bits.
func elf32(machine uint16, flags uint32, code []byte) []byte {
	size := uint32(elf32Code - elf32Base + len(code))
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for _, field := range []any{
		uint16(2), machine, uint32(1), uint32(elf32Code), uint32(52), uint32(0), flags,
		// ELF header: EXEC, machine, entry, program headers
		uint16(52), uint16(32), uint16(1), uint16(0), uint16(0), uint16(0),
		// LOAD, the whole file, r-x
		uint32(1), uint32(0), uint32(elf32Base), uint32(elf32Base), size, size, uint32(5), uint32(0x1000),
	} {
		binary.Write(&b, binary.LittleEndian, field)
	}
	b.Write(code)
	return b.Bytes()
}

func TestRecord32BitSyscalls(t *testing.T) {
	vmtest.Guest(t)
	program := filepath.Join(t.TempDir(), "opens32")
	elf, open := opens32("/proc/version", 77)
	if err := os.WriteFile(program, elf, 0o755); err != nil {
		t.Fatal(err)
	}
	startReference(t, map[uint32]enforcer.Rules{})
	r := startRecord(t)
	cmd := exec.Command("sh", "-c", `sleep 1; exec "$0"`, program) // the tracer names the namespace meanwhile
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	mntns := mntnsOf(t, cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	got := calls(r.finish(), mntns)
	if n := got[open+" file_open 0"]; !r.all(n, 77) {
		t.Errorf("%s: %d calls, want 77; all: %v", open, n, got)
	}
	for key := range got {
		// For a 64-bit task 5 is fstat on amd64, and setxattr on arm64.
		if key == "fstat file_open 0" || key == "setxattr file_open 0" {
			t.Errorf("%s: a 32-bit syscall number was read as a 64-bit one", key)
		}
	}
}

func TestRecordKernelThreads(t *testing.T) {
	vmtest.Guest(t)
	startReference(t, map[uint32]enforcer.Rules{})
	// To dump core the kernel runs a helper in a kernel thread.
	helper := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(helper, []byte("#!/bin/true\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/proc/sys/kernel/core_pattern", []byte("|"+helper), 0); err != nil {
		t.Fatal(err)
	}
	r := startRecord(t)
	if err := exec.Command("sh", "-c", "kill -SEGV $$").Run(); err == nil {
		t.Fatal("the command did not crash")
	}
	total := map[string]uint64{}
	for _, row := range r.finish() {
		total[row.Syscall+" "+row.Hook] += row.Seen
	}
	if total["[kthread] bprm_check_security"] == 0 {
		t.Errorf("no exec by a kernel thread; all: %v", total)
	}
	if total["read bprm_check_security"] > 0 {
		t.Errorf("zeroed registers were read as the syscall read: %v", total)
	}
}

func TestRecordIOUring(t *testing.T) {
	vmtest.Guest(t)
	startReference(t, map[uint32]enforcer.Rules{})
	rec := startRecord(t)
	const n = 40
	ring := newRing(t)
	for range n {
		ring.openAsync(t, "/proc/version\x00")
	}
	total := map[string]uint64{}
	for _, row := range rec.finish() {
		if row.Hook == "file_open" {
			total[row.Syscall] += row.Seen
		}
	}
	want := "[io_uring]" // before 5.12 and 5.10.162 its workers were kernel threads
	if !rec.all(total[want], n) {
		t.Errorf("%s: %d opens, want %d; all: %v", want, total[want], n, total)
	}
}

// ring is an io_uring with one entry.
type ring struct {
	fd          int
	p           ringParams
	rings, sqes []byte // both rings are one mapping since 5.4
}

type ringParams struct {
	entries, cqEntries, flags, threadCPU, threadIdle, features, wqFD uint32
	_                                                                [3]uint32
	sqHead, sqTail, sqMask, sqEntries, sqFlags, sqDropped, sqArray   uint32
	_                                                                [3]uint32
	cqHead, cqTail, cqMask, cqEntries2, cqOverflow, cqes             uint32
	_                                                                [4]uint32
}

func newRing(t *testing.T) *ring {
	t.Helper()
	r := &ring{}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&r.p)), 0)
	if errno != 0 {
		t.Fatalf("io_uring_setup: %v", errno)
	}
	r.fd = int(fd)
	t.Cleanup(func() { unix.Close(r.fd) })
	var err error
	size := max(r.p.sqArray+4*r.p.entries, r.p.cqes+16*r.p.cqEntries)
	if r.rings, err = unix.Mmap(r.fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	if r.sqes, err = unix.Mmap(r.fd, 0x10000000, 64, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	return r
}

// openAsync makes a worker of the ring open a file, and waits for it.
func (r *ring) openAsync(t *testing.T, path string) {
	t.Helper()
	const opOpenat, async, getEvents, atCwd = 18, 1 << 4, 1, -100
	p := []byte(path)
	clear(r.sqes)
	r.sqes[0], r.sqes[1] = opOpenat, async
	cwd := int32(atCwd)
	binary.NativeEndian.PutUint32(r.sqes[4:], uint32(cwd))
	binary.NativeEndian.PutUint64(r.sqes[16:], uint64(uintptr(unsafe.Pointer(&p[0]))))
	r.advance(r.p.sqTail)
	n, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), 1, 1, getEvents, 0, 0)
	if errno != 0 || n != 1 {
		t.Fatal(fmt.Errorf("io_uring_enter: %d, %w", n, errno))
	}
	r.advance(r.p.cqHead)
	runtime.KeepAlive(p)
}

func (r *ring) advance(index uint32) {
	atomic.AddUint32((*uint32)(unsafe.Pointer(&r.rings[index])), 1)
}
