package bench

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/unixbench"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// hookCounter counts the calls of hooks on the whole machine.
type hookCounter struct {
	counts *ebpf.Map
	hooks  []string
}

// countHooks attaches a counter to each hook until the test ends.
func countHooks(t *testing.T, hooks []string) hookCounter {
	t.Helper()
	counts, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.Array, KeySize: 4, ValueSize: uint32(8 * len(hooks)),
		MaxEntries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counts.Close() })
	for i, hook := range hooks {
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "count", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: hook, License: "GPL",
			Instructions: asm.Instructions{
				asm.LoadMapValue(asm.R1, counts.FD(), uint32(8*i)),
				asm.Mov.Imm(asm.R2, 1), asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
				asm.Mov.Imm(asm.R0, 0), asm.Return(),
			},
		})
		if err != nil {
			t.Fatalf("%s: %v", hook, err)
		}
		defer prog.Close()
		l, err := link.AttachLSM(link.LSMOptions{Program: prog})
		if err != nil {
			t.Fatalf("%s: %v", hook, err)
		}
		t.Cleanup(func() { l.Close() })
	}
	return hookCounter{counts, hooks}
}

func (c hookCounter) read(t *testing.T) []float64 {
	t.Helper()
	values := make([]uint64, len(c.hooks))
	if err := c.counts.Lookup(uint32(0), values); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// perOperation returns how often each hook runs in one operation. It is the difference between a pass of four units and
// one of one unit, so that the start and the end of a pass do not count.
func (c hookCounter) perOperation(t *testing.T, unit time.Duration,
	pass func(time.Duration) (unixbench.Result, error),
) []float64 {
	t.Helper()
	measure := func(d time.Duration) ([]float64, float64) {
		before := c.read(t)
		r, err := pass(d)
		if err != nil {
			t.Fatal(err)
		}
		after := c.read(t)
		for i := range after {
			after[i] -= before[i]
		}
		return after, float64(r.Ops)
	}
	short, few := measure(unit)
	long, many := measure(4 * unit)
	for i := range long {
		long[i] = (long[i] - short[i]) / (many - few)
	}
	return long
}

// perBlock returns how often each hook runs for a block of a file copy, while reads and writes alternate. UnixBench's
// programs write, sync, read and sleep beforehand, and a difference between passes would not remove that.
func (c hookCounter) perBlock(t *testing.T, pass func(time.Duration) (unixbench.Result, error)) []float64 {
	t.Helper()
	calls := countCalls(t)
	ended := make(chan error, 1)
	go func() {
		_, err := pass(4 * time.Second)
		ended <- err
	}()
	sums, blocks := make([]float64, len(c.hooks)), 0.0
	hooks, before := c.read(t), calls(t)
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			if blocks == 0 {
				t.Fatal("reads and writes never alternated")
			}
			for i := range sums {
				sums[i] /= blocks
			}
			return sums
		case <-time.After(100 * time.Millisecond):
		}
		hooksNow, now := c.read(t), calls(t)
		reads, writes := now[0]-before[0], now[1]-before[1]
		if writes > 100 && math.Abs(reads-writes) < 0.01*writes {
			blocks += writes
			for i := range sums {
				sums[i] += hooksNow[i] - hooks[i]
			}
		}
		hooks, before = hooksNow, now
	}
}

// numbers is one more than the larger of the numbers of read and write.
const numbers = unix.SYS_WRITE + 1

// countCalls counts read(2) and write(2) on the whole machine until the test ends.
func countCalls(t *testing.T) func(*testing.T) [numbers]float64 {
	t.Helper()
	counts, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8 * numbers, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counts.Close() })
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "calls", Type: ebpf.RawTracepoint, License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R3, asm.R1, 8, asm.DWord), // struct pt_regs *, long id
			asm.JGT.Imm(asm.R3, unix.SYS_WRITE, "out"),
			asm.LSh.Imm(asm.R3, 3),
			asm.LoadMapValue(asm.R1, counts.FD(), 0), asm.Add.Reg(asm.R1, asm.R3),
			asm.Mov.Imm(asm.R2, 1), asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return func(t *testing.T) (now [numbers]float64) {
		t.Helper()
		var values [numbers]uint64
		if err := counts.Lookup(uint32(0), &values); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			now[i] = float64(v)
		}
		return now
	}
}

// An operation of a built-in test reaches each hook as often as one of UnixBench's own test. UNIXBENCH_DIR names a
// built byte-unixbench at the same depth as /opt/UnixBench, because inode_permission runs for each component of a path.
// Any command of -with brings libc. Without the loader's cache the loader would look for it in other places first.
//
//	go test -exec 'bin/vm -with sort -with od -with grep -with tee -with wc -with rm \
//	    -in /etc/ld.so.cache:/etc/ld.so.cache -in DIR:/opt/UnixBench -env UNIXBENCH_DIR=/opt/UnixBench \
//	    -exec' ./internal/bench -run SameHooks -v
func TestSameHooksAsUnixBench(t *testing.T) {
	vmtest.Guest(t)
	source := os.Getenv("UNIXBENCH_DIR")
	if source == "" {
		t.Skip("UNIXBENCH_DIR names no built byte-unixbench")
	}
	real := &unixbench.Real{Dir: source}
	if err := real.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	suite, err := unixbench.Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	counter := countHooks(t, []string{
		"bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security", "bprm_committing_creds",
		"bprm_committed_creds", "cred_prepare", "file_open", "file_permission", "inode_permission",
		"inode_getattr", "mmap_file", "mmap_addr", "file_mprotect", "task_alloc", "file_fcntl", "path_mknod",
		"path_unlink", "inode_create", "inode_unlink", "capable", "socket_create",
	})
	for _, name := range []string{
		"execl", "spawn", "syscall", "pipe", "context1", "fstime", "fsbuffer", "fsdisk",
		"shell1", "shell8",
	} {
		// A few in a hundred calls of a shell and its tools depend on the depth of paths, and on the number of
		// pieces in which a pipe is read.
		unit, play := time.Second, 0.02
		if strings.HasPrefix(name, "shell") {
			unit, play = 4*time.Second, 0.05
		}
		measure := func(t *testing.T, pass func(time.Duration) (unixbench.Result, error)) []float64 {
			if strings.HasPrefix(name, "fs") {
				return counter.perBlock(t, pass)
			}
			return counter.perOperation(t, unit, pass)
		}
		t.Run(name, func(t *testing.T) {
			ours := measure(t, func(d time.Duration) (unixbench.Result, error) {
				return suite.Pass(t.Context(), name, d, unixbench.Options{Dir: t.TempDir()})
			})
			theirs := measure(t, func(d time.Duration) (unixbench.Result, error) {
				return real.Run(t.Context(), name, d)
			})
			for i, hook := range counter.hooks {
				if ours[i] > 0.01 || theirs[i] > 0.01 {
					t.Logf("%-22s UnixBench %6.2f, built-in %6.2f", hook, theirs[i], ours[i])
				}
				if math.Abs(ours[i]-theirs[i]) > 0.05+play*theirs[i] { // the test itself reads
					t.Errorf("%s: %.3f invocations, UnixBench's %.3f", hook, ours[i], theirs[i])
				}
			}
		})
	}
}
