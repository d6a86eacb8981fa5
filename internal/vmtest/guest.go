package vmtest

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Release is a kernel's version.
type Release struct{ Major, Minor int }

// AtLeast reports whether the kernel is at least this version: a test decides by it whether a feature must work or is
// missing.
func (r Release) AtLeast(major, minor int) bool {
	return r.Major > major || r.Major == major && r.Minor >= minor
}

func (r Release) String() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// Guest returns the kernel's release, or skips the test outside a guest: kernel tests load BPF programs and must not do
// so on a developer's machine. Tests that skip on the host are those that make test runs in guests.
func Guest(tb testing.TB) Release {
	tb.Helper()
	if os.Getenv(envGuest) == "" {
		tb.Skip("needs a guest kernel: make test, or go test -exec 'vm -kernel 6.1 -exec'")
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		tb.Fatalf("uname: %v", err)
	}
	r, err := parseRelease(unix.ByteSliceToString(u.Release[:]))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// IcountGuest is Guest for tests that assert times: they are right only where one nanosecond is one instruction.
func IcountGuest(tb testing.TB) Release {
	tb.Helper()
	r := Guest(tb)
	if os.Getenv(envIcount) == "" {
		tb.Skip("needs a guest that counts instructions: vm -icount")
	}
	return r
}

// TwoCPUsGuest is Guest for tests in which one CPU disturbs another. The name of such a test contains TwoCPUs: make
// test runs these tests in their own guest, because a guest with two emulated CPUs hangs now and then where the
// kernel patches code.
func TwoCPUsGuest(tb testing.TB) Release {
	tb.Helper()
	r := Guest(tb)
	if runtime.NumCPU() < 2 {
		tb.Skip("needs a guest with two CPUs: vm -smp 2")
	}
	return r
}

// Host is for a test that needs no guest, but files other than its package's testdata, which is all that a guest gets.
func Host(tb testing.TB) {
	tb.Helper()
	if os.Getenv(envGuest) != "" {
		tb.Skip("needs no kernel and runs on the host")
	}
}

// OnOneKernel is for a test whose subject does not depend on the kernel: make test runs it in the guests of one kernel
// only. A guest started by hand always runs it.
func OnOneKernel(tb testing.TB) {
	tb.Helper()
	here, one := os.Getenv(envGuest), os.Getenv(EnvOneKernel)
	if here != "" && one != "" && here != one {
		tb.Skipf("does not depend on the kernel: runs on %s", one)
	}
}

func parseRelease(s string) (Release, error) {
	var r Release
	if _, err := fmt.Sscanf(s, "%d.%d", &r.Major, &r.Minor); err != nil {
		return r, fmt.Errorf("kernel release %q: %w", s, err)
	}
	return r, nil
}
