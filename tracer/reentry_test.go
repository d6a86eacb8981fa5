package tracer

import (
	"context"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// A softirq runs a program again on the CPU on which it is running: datagrams of a Unix socket call socket_sock_rcv_skb
// where they are sent, those of the network where they arrive. Both use the same probes and the same slot. No call may
// be lost, and no reading may use the start of another call.
func TestTwoCPUsReenterOneHookFromAnInterrupt(t *testing.T) {
	r := vmtest.TwoCPUsGuest(t)
	const hook = "socket_sock_rcv_skb"
	truth := newDepths(t)
	lsmProgram(t, "reentered", hook, 0, truth.program(2000)...)
	steerLoopback(t, 0)
	s, programs := measure(t, Options{}, func() {
		before := truth.read(t)
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
		defer stop()
		var g errgroup.Group
		g.Go(func() error { return unixDatagrams(ctx, 0) })
		g.Go(func() error { return loopbackDatagrams(ctx, 1) })
		for ctx.Err() == nil && truth.read(t).Nested-before.Nested < 200 {
			time.Sleep(50 * time.Millisecond)
		}
		stop()
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // until the last datagrams have arrived
	})
	d := truth.read(t)
	if d.Nested < 20 {
		t.Fatalf("%d of %d calls were nested: too few for this test", d.Nested, d.Calls)
	}
	p := programs[label("reentered", hook)]
	t.Logf("%d calls, %d of them nested: %+v", d.Calls, d.Nested, p)
	lost := uint64(0)
	if !r.AtLeast(5, 12) {
		lost = d.Calls / 1000 // a probe may interrupt itself in the middle of an addition
	}
	if p.Calls() > d.Calls || p.Calls() < d.Calls-lost {
		t.Errorf("%d calls, want %d", p.Calls(), d.Calls)
	}
	if p.Preempted+p.Missed == 0 {
		t.Errorf("%+v: every call is timed, although some were interrupted by others", p)
	}
	// Readings with a stale start, and negative ones, are in the last bucket.
	var syscalls []string
	for i := range s.Rows {
		syscalls = append(syscalls, s.Rows[i].Syscall)
		if r := &s.Rows[i]; longest(r) > uint64(time.Second) {
			t.Errorf("%s: a reading of %d ns", r.Syscall, longest(r))
		}
	}
	// PREEMPT_RT has threads
	interrupt := slices.Contains(syscalls, "[irq]") || slices.Contains(syscalls, "[kthread]")
	if !interrupt || !slices.Contains(syscalls, "write") {
		t.Errorf("rows of %q: want one of the syscall and one of the interrupt", syscalls)
	}
}

// depths counts, on each CPU, how often a program runs and how often it is running already.
type depths struct{ m *ebpf.Map }

type depth struct{ Now, Calls, Nested uint64 }

func newDepths(t *testing.T) depths {
	t.Helper()
	raiseMemlock(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 24, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return depths{m}
}

// program returns instructions that count the call, loop, and allow.
func (d depths) program(rounds int32) []asm.Instruction {
	return []asm.Instruction{
		asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, d.m.FD()),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 8),
		asm.LoadMem(asm.R2, asm.R0, 0, asm.DWord),
		asm.JEq.Imm(asm.R2, 0, "first"),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 16),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0).WithSymbol("first"),
		asm.Mov.Imm(asm.R3, rounds),
		asm.Sub.Imm(asm.R3, 1).WithSymbol("loop"),
		asm.JNE.Imm(asm.R3, 0, "loop"),
		asm.Mov.Imm(asm.R1, -1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}
}

// read returns the sum of all CPUs.
func (d depths) read(t *testing.T) (sum depth) {
	t.Helper()
	var all []depth
	if err := d.m.Lookup(uint32(0), &all); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		sum.Calls += one.Calls
		sum.Nested += one.Nested
	}
	return sum
}

// steerLoopback has interrupts on one CPU receive everything that is sent over lo.
func steerLoopback(t *testing.T, cpu int) {
	t.Helper()
	const path = "/sys/class/net/lo/queues/rx-0/rps_cpus"
	if err := os.WriteFile(path, []byte{"1248"[cpu]}, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(path, []byte("0"), 0) })
}

// onCPU keeps the calling goroutine on a CPU until it ends.
func onCPU(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// longest returns at most how long the longest readings of a row are, in ns, if they are in the last bucket; else 0.
func longest(r *profile.Row) uint64 {
	const last = profile.Buckets - 1
	n, ns := r.Readings[last], r.Sum
	for i, shorter := range r.Readings[:last] {
		lo, _ := profile.Bounds(i)
		ns -= shorter * lo
	}
	if n == 0 {
		return 0
	}
	return ns / n
}

func unixDatagrams(ctx context.Context, cpu int) error {
	if err := onCPU(cpu); err != nil {
		return err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	var buf [8]byte
	for ctx.Err() == nil {
		if _, err := unix.Write(pair[0], buf[:]); err != nil {
			return err
		}
		if _, err := unix.Read(pair[1], buf[:]); err != nil {
			return err
		}
	}
	return nil
}

// loopbackDatagrams sends datagrams that are never read.
func loopbackDatagrams(ctx context.Context, cpu int) error {
	if err := onCPU(cpu); err != nil {
		return err
	}
	to, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	if err := unix.Bind(to, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	address, err := unix.Getsockname(to)
	if err != nil {
		return err
	}
	from, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	for ctx.Err() == nil {
		if err := unix.Sendto(from, make([]byte, 8), 0, address); err != nil {
			return err
		}
		for range 200 { // leave the other CPU time to send
			unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	}
	return nil
}
