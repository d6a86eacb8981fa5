package vmtest

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the kernel tests of the other packages rely on. Runs in the guest.
func TestGuestHasWhatAProfilerNeeds(t *testing.T) {
	r := Guest(t)
	t.Logf("kernel %v", r)
	lsms, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil || !strings.Contains(string(lsms), "bpf") {
		t.Errorf("active LSMs: %s (%v), want bpf among them", lsms, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		" /proc proc ", " /sys sysfs ", " /dev devtmpfs ", " /tmp tmpfs ", " /run tmpfs ",
		" /sys/kernel/security securityfs ",
		" /sys/kernel/tracing tracefs ", " /sys/fs/bpf bpf ", " /sys/fs/cgroup cgroup2 ",
	} {
		if !strings.Contains(string(mounts), want) {
			t.Errorf("not mounted: %q in\n%s", want, mounts)
		}
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Error("the kernel has no BTF:", err)
	}
	flags, err := os.ReadFile("/sys/class/net/lo/flags")
	if err != nil || strings.TrimSpace(string(flags)) != "0x9" { // IFF_UP | IFF_LOOPBACK
		t.Errorf("lo has flags %s (%v), want 0x9: up", flags, err)
	}
	if text, err := os.ReadFile("testdata/hello"); err != nil || string(text) != "hello\n" {
		t.Errorf("testdata/hello: %q (%v)", text, err)
	}
}

func TestIcountGuestReadsTheCounterOfItsCPU(t *testing.T) {
	IcountGuest(t)
	clock, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if err != nil || strings.TrimSpace(string(clock)) != here().clock {
		t.Errorf("clocksource %s (%v), want %s", clock, err, here().clock)
	}
}

// A busy CPU is interrupted by its timer as on a real machine: what measures must bear it.
func TestIcountGuestTicks(t *testing.T) {
	IcountGuest(t)
	const hz, long = 250, 100 * time.Millisecond
	before := timerInterrupts(t)
	for start := time.Now(); time.Since(start) < long; {
	}
	// Go's own timers interrupt it as well, three times as often.
	if n, ticks := timerInterrupts(t)-before, int(hz*long.Seconds()); n < ticks*9/10 {
		t.Errorf("%d interrupts by timers in %v, want %d ticks and more", n, long, ticks)
	}
}

// timerInterrupts returns how often timers have interrupted the guest's first CPU.
func timerInterrupts(t *testing.T) (sum int) {
	t.Helper()
	text, err := os.ReadFile("/proc/interrupts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(strings.ToLower(line), "timer") {
			n, err := strconv.Atoi(strings.Fields(line)[1])
			if err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			sum += n
		}
	}
	return sum
}

func TestOnOneKernel(t *testing.T) {
	for _, test := range []struct {
		here, one string
		skips     bool
	}{
		{"6.12", "6.1", true},
		{"6.1", "6.1", false},
		{"6.12", "", false}, // a guest started by hand
		{"", "6.1", false},  // the host
	} {
		t.Run(test.here+" "+test.one, func(t *testing.T) {
			t.Setenv(envGuest, test.here)
			t.Setenv(EnvOneKernel, test.one)
			var skipped bool
			t.Run("inner", func(t *testing.T) {
				defer func() { skipped = t.Skipped() }()
				OnOneKernel(t)
			})
			if skipped != test.skips {
				t.Errorf("skipped: %v", skipped)
			}
		})
	}
}
