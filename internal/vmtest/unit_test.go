package vmtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCpioIsReadByBusybox(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("needs busybox")
	}
	var buf bytes.Buffer
	c := cpioWriter{w: &buf}
	c.dir("d")
	for _, body := range []string{"", "1", "12", "123", "1234", strings.Repeat("x", 70000)} {
		c.file("d/f"+string(rune('0'+len(body)%10)), 0o755, int64(len(body)), strings.NewReader(body))
	}
	c.symlink("d/link", "f1")
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(busybox, "cpio", "-i")
	cmd.Dir, cmd.Stdin = dir, &buf
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "d/f3")); err != nil || string(got) != "123" {
		t.Errorf("d/f3: %q (%v)", got, err)
	}
	if got, err := os.Readlink(filepath.Join(dir, "d/link")); err != nil || got != "f1" {
		t.Errorf("d/link -> %q (%v)", got, err)
	}
	if st, err := os.Stat(filepath.Join(dir, "d/f4")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("d/f4: %v (%v)", st, err)
	}
}

func TestCpioReportsAShortBody(t *testing.T) {
	c := cpioWriter{w: io.Discard}
	c.file("short", 0o644, 10, strings.NewReader("12345"))
	if err := c.close(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF: a file that shrinks while it is read", err)
	}
}

func TestFramesRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	f := &frameWriter{w: &buf}
	f.send(frameBegin, nil)
	io.WriteString(f.stream(frameStdout), "out\x00\xff\n")
	f.send(frameExit, []byte{3})
	for _, want := range []struct {
		kind    frameKind
		payload string
	}{{frameBegin, ""}, {frameStdout, "out\x00\xff\n"}, {frameExit, "\x03"}} {
		kind, payload, err := readFrame(&buf)
		if err != nil || kind != want.kind || string(payload) != want.payload {
			t.Fatalf("got %c %q %v, want %c %q", kind, payload, err, want.kind, want.payload)
		}
	}
	if _, _, err := readFrame(&buf); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestFramesThatMakeNoSense(t *testing.T) {
	for name, stream := range map[string]string{
		"text":      "[    0.5] Linux version",
		"too large": "\xa5O\xff\xff\xff\xff",
		"cut":       "\xa5O\x05\x00\x00\x00abc",
		"cut head":  "\xa5O",
	} {
		if _, _, err := readFrame(strings.NewReader(stream)); err == nil || err == io.EOF {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
}

func TestTailKeepsWholeLastLines(t *testing.T) {
	tl := newTail(20)
	io.WriteString(tl, "first line\r\nsecond\r\n")
	io.WriteString(tl, "third line\r\n")
	if got := tl.String(); got != "third line" {
		t.Errorf("got %q", got)
	}
}

func TestFilesHiddenByAMountAreRefused(t *testing.T) {
	for _, to := range []string{"/tmp/x", "/run", "relative", "/dev/x", "/data/../tmp/x"} {
		a := archive{cpioWriter{w: io.Discard}, map[string]bool{}}
		if err := a.tree(Copy{From: os.Args[0], To: to}); err == nil {
			t.Errorf("copy to %s is accepted", to)
		}
	}
}

func TestMachineArguments(t *testing.T) {
	smp := strings.Join(machine{
		arch: amd64, vmlinuz: "k", cpus: 2, memory: "1G", accel: "tcg",
		append: "extra=1",
	}.args(), " ")
	for _, want := range []string{
		"-smp 2", "thread=multi", "lsm=lockdown,capability,bpf", "extra=1",
		"softlockup_panic=1",
	} {
		if !strings.Contains(smp, want) {
			t.Errorf("SMP: no %q in %s", want, smp)
		}
	}
	icount := strings.Join(machine{
		arch: amd64, vmlinuz: "k", cpus: 1, memory: "1G", accel: "tcg", icount: true,
		outDisk: "/a,b",
	}.args(), " ")
	for _, want := range []string{
		"-icount shift=0,sleep=off", "init_on_alloc=0", "nolapic_timer",
		"file=/a,,b",
	} {
		if !strings.Contains(icount, want) {
			t.Errorf("icount: no %q in %s", want, icount)
		}
	}
	if strings.Contains(icount, "softlockup") {
		t.Errorf("one CPU does not hang: %s", icount)
	}
	if strings.Contains(smp, "icount") || strings.Contains(smp, "nvme") {
		t.Errorf("SMP: %s", smp)
	}
}

func TestArchitectureOfAKernel(t *testing.T) {
	image := make([]byte, 64)
	copy(image[56:], "ARM\x64")
	path := filepath.Join(t.TempDir(), "Image")
	os.WriteFile(path, image, 0o644)
	for kernel, want := range map[string]string{
		"6.1": "amd64", "newest": "amd64", Distro: "amd64", "newest-arm64": "arm64", path: "arm64",
		"/no/such/vmlinuz-arm64": "amd64",
	} {
		if got := ArchOf(kernel).Name; got != want {
			t.Errorf("%s: %s, want %s", kernel, got, want)
		}
	}
}

func TestArm64MachineArguments(t *testing.T) {
	args := strings.Join(machine{arch: arm64, vmlinuz: "k", cpus: 1, memory: "1G", accel: "tcg"}.args(), " ")
	for _, want := range []string{"-machine virt", "pauth=off", "pci-serial", "console=ttyAMA0"} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
	if strings.Contains(args, "tsc") {
		t.Errorf("an option of amd64: %s", args)
	}
}

func TestAccel(t *testing.T) {
	if _, err := chooseAccel("kvm", machine{icount: true}); err == nil {
		t.Error("kvm with icount is accepted")
	}
	if _, err := chooseAccel("kvm", machine{arch: arm64}); err == nil {
		t.Error("kvm with a guest of another architecture is accepted")
	}
	if _, err := chooseAccel("xen", machine{}); err == nil {
		t.Error("an unknown accelerator is accepted")
	}
	if got, err := chooseAccel("auto", machine{icount: true}); got != "tcg" || err != nil {
		t.Errorf("icount: %s, %v", got, err)
	}
}

func TestKernelNames(t *testing.T) {
	for _, name := range []string{"4.19", "5.10-arm64", "6.1-riscv64", "", "/no/such/vmlinuz"} {
		if _, err := Kernel(t.Context(), name, io.Discard); err == nil {
			t.Errorf("kernel %q is accepted", name)
		}
	}
	own := filepath.Join(t.TempDir(), "vmlinuz")
	os.WriteFile(own, nil, 0o644)
	if got, err := Kernel(t.Context(), own, io.Discard); got != own || err != nil {
		t.Errorf("%s: %s, %v", own, got, err)
	}
}

// A machine without Debian's mirrors must say what to do, and in a way that callers can tell from a failure.
func TestUnreachableKernel(t *testing.T) {
	if archiveKeyring() == "" {
		t.Skip("needs debian-archive-keyring")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(envMirror, "file:///no/such/mirror file:///no/such/security")
	_, err := Kernel(t.Context(), "6.1", io.Discard)
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestDebianReleases(t *testing.T) {
	for release, want := range map[string]bool{
		"bookworm": true, "bookworm-security": true, "trixie-updates": true, "sid": true, "nodistro": false,
		"cloud-sdk-bookworm": false,
		"jammy":              false, "buster/updates": false,
	} {
		if got := debianRelease(release); got != want {
			t.Errorf("%s: %v", release, got)
		}
	}
}

func TestSuitesMeetTheirMirrors(t *testing.T) {
	if archiveKeyring() == "" {
		t.Skip("needs debian-archive-keyring")
	}
	t.Setenv(envMirror, "file:/m/debian file:/m/debian-security")
	got, err := debianSources(t.Context(), amd64, suites("6.1"))
	if err != nil || len(got) != 2 ||
		!strings.HasSuffix(got[0], "file:/m/debian-security bookworm-security main") ||
		!strings.HasSuffix(got[1], "file:/m/debian bookworm main") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestImagePackageDependency(t *testing.T) {
	for text, want := range map[string][]string{
		"linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n": {
			"linux-image-6.1.0-56-cloud-amd64",
		},
		"x\n  PreDepends: linux-base\n |Depends: dracut\n  Depends: linux-binary-7.2.13+deb14-cloud-amd64\n": {
			"linux-binary-7.2.13+deb14-cloud-amd64",
		},
		"linux-image-6.1.0-56\n  Depends: kmod\n  Depends: linux-base\n    linux-image-6.1.0-x-cloud": nil,
	} {
		var got []string
		if m := dependency.FindStringSubmatch(text); m != nil {
			got = m[1:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReleases(t *testing.T) {
	r, err := parseRelease("6.12.95+deb12-cloud-amd64")
	if err != nil || r != (Release{6, 12}) || !r.AtLeast(6, 12) || !r.AtLeast(5, 18) || r.AtLeast(6, 13) ||
		r.AtLeast(7, 0) {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := parseRelease("linux"); err == nil {
		t.Error("a release without a number is accepted")
	}
}
