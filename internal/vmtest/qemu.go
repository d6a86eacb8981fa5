package vmtest

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// machine holds the settings of one QEMU command line.
type machine struct {
	arch      Arch
	vmlinuz   string
	initramfs string
	outDisk   string // empty: no files out
	accel     string // tcg, kvm
	icount    bool
	cpus      int
	memory    string
	append    string
	disks     []string
}

// control and console are inherited pipes, which QEMU treats as files and writes completely. On a full socket it would
// drop bytes.
const (
	controlFD = "/dev/fd/3"
	consoleFD = "/dev/fd/4"
)

func (m machine) args() []string {
	args := []string{
		"-machine", m.arch.board, "-m", m.memory, "-smp", strconv.Itoa(m.cpus),
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
		"-chardev", "file,id=console,path=" + consoleFD, "-serial", "chardev:console",
		"-chardev", "file,id=control,path=" + controlFD, "-device", m.arch.controlPort + ",chardev=control",
		"-kernel", m.vmlinuz, "-append", m.cmdline(),
	}
	if m.initramfs != "" {
		args = append(args, "-initrd", m.initramfs)
	}
	switch {
	case m.accel == "kvm":
		args = append(args, "-accel", "kvm", "-cpu", "host")
	case m.icount:
		args = append(args, "-accel", "tcg,thread=single", "-cpu", m.arch.countingCPU, "-icount",
			"shift=0,sleep=off")
	default:
		args = append(args, "-accel", "tcg,thread=multi", "-cpu", m.arch.cpu)
	}
	if m.outDisk != "" {
		args = append(args, "-drive", "if=none,id=out,format=raw,file="+strings.ReplaceAll(m.outDisk, ",",
			",,"),
			"-device", "nvme,drive=out,serial=out")
	}
	for i, disk := range m.disks {
		name := "disk" + strconv.Itoa(i)
		args = append(args, "-drive", "if=none,format=raw,id="+name+",file="+strings.ReplaceAll(disk, ",",
			",,"),
			"-device", "nvme,drive="+name+",serial="+name)
	}
	return args
}

// hangs reports whether this machine stops now and then: with several CPUs QEMU's emulator may spin forever where one
// of them patches the code that another runs.
func (m machine) hangs() bool { return m.accel != "kvm" && m.cpus > 1 }

// cmdline returns the kernel's command line. QEMU exits as soon as the guest panics or oopses.
func (m machine) cmdline() string {
	words := []string{
		"console=" + m.arch.console, "loglevel=5", "panic=-1", "oops=panic",
		// Zeroing a page is one "rep" string instruction. Emulated, it takes as long as an instruction for each
		// element of it, and icount counts one for each.
		"lsm=lockdown,capability,bpf", "init_on_alloc=0",
		// The self-tests of the kernel's ciphers are a quarter of what a boot executes.
		"cryptomgr.notests",
	}
	if m.icount {
		if m.arch.Name == arm64.Name {
			// Draws from the random number generator in every syscall, and refills its buffer in one of
			// some 50: 400 instructions that hide what is measured.
			words = append(words, "randomize_kstack_offset=off")
		} else {
			// The kernel calibrates the timer of its CPU by turns of a loop, each of which the emulator
			// leaves its translated code for: half of the boot's CPU time. The HPET ticks as often.
			words = append(words, "nolapic_timer", "no_timer_check")
		}
	} else if m.arch.Name == amd64.Name {
		// Under TCG the watchdog takes a busy host for an unstable clock and falls back to hpet.
		words = append(words, "tsc=reliable")
		if khz := tscKHz(); khz > 0 {
			words = append(words, "tsc_early_khz="+strconv.Itoa(khz))
		}
	}
	if m.hangs() {
		// A CPU that runs nothing else for a minute panics. A busy host does not stop one that long.
		words = append(words, "softlockup_panic=1", "watchdog_thresh=30")
	}
	if m.append != "" {
		words = append(words, m.append)
	}
	return strings.Join(words, " ")
}

// vm is a running QEMU.
type vm struct {
	cmd              *exec.Cmd
	control, console *os.File
	stderr           *tail
}

func (m machine) start() (*vm, error) {
	bin, err := exec.LookPath(m.arch.qemu)
	if err != nil {
		return nil, fmt.Errorf("%s: not found; install %s (make deps)", m.arch.qemu, m.arch.qemuPackage)
	}
	control, controlW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer controlW.Close()
	console, consoleW, err := os.Pipe()
	if err != nil {
		control.Close()
		return nil, err
	}
	defer consoleW.Close()
	v := &vm{control: control, console: console, stderr: newTail(4 << 10)}
	v.cmd = exec.Command(bin, m.args()...)
	v.cmd.ExtraFiles = []*os.File{controlW, consoleW}
	v.cmd.Stderr = v.stderr
	// A guest must not outlive its runner, nor take the terminal's Ctrl-C before it.
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := v.cmd.Start(); err != nil {
		control.Close()
		console.Close()
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	return v, nil
}

func (v *vm) kill() { v.cmd.Process.Kill() }
