package vmtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Arch describes the guests of one architecture.
type Arch struct {
	Name        string // GOARCH, and Debian's name
	qemu        string // the emulator
	qemuPackage string // the Debian package that contains it
	board, cpu  string // -machine and -cpu
	countingCPU string // -cpu of a guest that counts instructions
	console     string // the guest's device for the kernel's console
	control     string // the guest's device for frames
	controlPort string // what QEMU connects control to
	clock       string // the clock source by which an icount guest counts instructions
}

var (
	amd64 = Arch{
		Name: "amd64", qemu: "qemu-system-x86_64", qemuPackage: "qemu-system-x86", board: "q35",
		// QEMU 7.2 computes garbage flags after cmpxchg16b; an interrupt right behind it is a double fault, in
		// one of some ten boots. Without the CPU feature the kernel does not use the instruction.
		//
		// Without erms and fsrm the kernel copies and clears memory by eight bytes at a time, not by single
		// ones: for the emulator each is a turn of a loop. They took a quarter of the CPU time of guests.
		countingCPU: "max,-cx16,-erms,-fsrm",
		// Each access to user memory would turn SMAP off and on, which ends a block of translated code twice.
		cpu:     "max,-cx16,-erms,-fsrm,-smap,-la57",
		console: "ttyS0", control: "/dev/ttyS1", controlPort: "isa-serial", clock: "tsc",
	}
	arm64 = Arch{
		Name: "arm64", qemu: "qemu-system-aarch64", qemuPackage: "qemu-system-arm", board: "virt",
		// The architecture's own pointer authentication is so slow to emulate that guests hardly move. The
		// counter ticks once per nanosecond, so that icount guests count single instructions.
		countingCPU: "max,pauth-impdef=on,cntfrq=1000000000",
		cpu:         "max,pauth=off,sve=off,sme=off,cntfrq=1000000000",
		console:     "ttyAMA0", control: "/dev/ttyS0", controlPort: "pci-serial", clock: "arch_sys_counter",
	}
)

// armSuffix marks the kernels of arm64 guests: newest-arm64.
const armSuffix = "-arm64"

// ArchOf returns the architecture of a kernel that Config.Kernel names. An image that a path names says itself what it
// is for.
func ArchOf(kernel string) Arch {
	if strings.ContainsRune(kernel, '/') && isArm64Image(kernel) ||
		!strings.ContainsRune(kernel, '/') && strings.HasSuffix(kernel, armSuffix) {
		return arm64
	}
	return amd64
}

// isArm64Image looks for the magic number of an arm64 boot image (Documentation/arch/arm64/booting.rst).
func isArm64Image(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 4)
	_, err = f.ReadAt(magic, 56)
	return err == nil && bytes.Equal(magic, []byte("ARM\x64"))
}

// here returns the architecture that this process runs on.
func here() Arch {
	if runtime.GOARCH == arm64.Name {
		return arm64
	}
	return amd64
}

// runner returns the program that becomes the guest's init: this one, or one built from the same sources for the
// guest's architecture.
func (a Arch) runner(ctx context.Context, work string) (string, error) {
	if a.Name == runtime.GOARCH {
		return os.Executable()
	}
	bin := filepath.Join(work, "vm-"+a.Name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin,
		"github.com/lsmprof/lsmprof/internal/vmtest/cmd/vm")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+a.Name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the init of %s guests, from within the module of lsmprof: %w\n%s", a.Name,
			err, out)
	}
	return bin, nil
}
