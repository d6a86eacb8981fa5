package vmtest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Release is a kernel's version.
type Release struct{ Major, Minor int }

// AtLeast is how a test decides between "must work here" and "this kernel lacks it".
func (r Release) AtLeast(major, minor int) bool {
	return r.Major > major || r.Major == major && r.Minor >= minor
}

func (r Release) String() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// Guest returns the kernel's release, or skips the test where it does not run in a guest: kernel tests load BPF programs and
// must not do so on a developer's machine.
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

// Host is for a test that needs no guest but files beside its package's own testdata, which is all that goes into a guest.
func Host(tb testing.TB) {
	tb.Helper()
	if os.Getenv(envGuest) != "" {
		tb.Skip("needs no kernel and runs on the host")
	}
}

// OnOneKernel is for a test of what does not depend on the kernel: of all guests of make test one runs it. A guest that somebody
// starts by hand does.
func OnOneKernel(tb testing.TB) {
	tb.Helper()
	here, one := os.Getenv(envGuest), os.Getenv(EnvOneKernel)
	if here != "" && one != "" && here != one {
		tb.Skipf("does not depend on the kernel: make test runs it on %s", one)
	}
}

func parseRelease(s string) (Release, error) {
	var r Release
	if _, err := fmt.Sscanf(s, "%d.%d", &r.Major, &r.Minor); err != nil {
		return r, fmt.Errorf("kernel release %q: %w", s, err)
	}
	return r, nil
}
