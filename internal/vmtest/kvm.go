package vmtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
)

// chooseAccel resolves auto: to kvm if a guest has booted with it on this machine, else to tcg.
func chooseAccel(want string, m machine) (string, error) {
	switch {
	case m.icount && want == "kvm":
		return "", errors.New("-icount counts instructions in software; leave out -accel kvm")
	case m.arch.Name != here().Name && want == "kvm":
		return "", fmt.Errorf("-accel kvm runs %s guests only; leave it out", here().Name)
	case want == "tcg" || want == "kvm":
		return want, nil
	case want != "" && want != "auto":
		return "", fmt.Errorf("-accel %s: want auto, tcg or kvm", want)
	case m.icount || m.arch.Name != here().Name || !kvmBoots(m):
		return "tcg", nil
	}
	return "kvm", nil
}

// kvmBoots reports whether a guest boots with KVM. It caches the answer until the host reboots, because a /dev/kvm that
// hangs costs the probe's whole deadline.
func kvmBoots(m machine) bool {
	dev, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	dev.Close()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return false
	}
	cache, err := cacheDir()
	if err != nil {
		return false
	}
	note := filepath.Join(cache, "kvm-"+strings.TrimSpace(string(boot)))
	if verdict, err := os.ReadFile(note); err == nil {
		return string(verdict) == "boots"
	}
	verdict := "hangs"
	if probeKVM(m) {
		verdict = "boots"
	}
	_ = atomicfile.WriteString(note, verdict) // a cache that cannot be written only means another probe
	return verdict == "boots"
}

const kvmProbeLimit = 8 * time.Second

// probeKVM boots the kernel without an initramfs: one line of its console is proof enough, it panics right after.
func probeKVM(m machine) bool {
	m.accel, m.initramfs, m.outDisk, m.append = "kvm", "", "", ""
	v, err := m.start()
	if err != nil {
		return false
	}
	spoke := make(chan bool, 1)
	go func() {
		text, _ := io.ReadAll(v.console)
		spoke <- strings.Contains(string(text), "Kernel panic")
	}()
	go io.Copy(io.Discard, v.control)
	// A vCPU stuck in the kernel may survive even SIGKILL for a while: never wait for the process itself.
	go v.cmd.Wait()
	defer v.kill()
	select {
	case ok := <-spoke:
		return ok
	case <-time.After(kvmProbeLimit):
		return false
	}
}
