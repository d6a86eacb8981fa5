package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// Boot says how this machine's kernel gets its command line.
type Boot struct {
	// Distribution holds ID and ID_LIKE of /etc/os-release, separated by spaces: "ubuntu debian".
	Distribution string
	// Files are those of bootFiles that exist.
	Files []string
}

// bootFiles tell boot loaders apart that one distribution may have.
var bootFiles = []string{ostreeBooted, cmdlineD, kernelCmdline, firmwareCmdline}

const (
	ostreeBooted    = "/run/ostree-booted"
	cmdlineD        = "/etc/cmdline.d"             // mkinitcpio, for unified kernel images
	kernelCmdline   = "/etc/kernel/cmdline"        // kernel-install, for systemd-boot and unified kernel images
	firmwareCmdline = "/boot/firmware/cmdline.txt" // Raspberry Pi OS, and Ubuntu on a Raspberry Pi
)

// boot looks below the first root that has an os-release: the host's, if lsmprof sees it from a container, before its
// own.
func boot(roots ...string) Boot {
	for _, root := range roots {
		data, err := os.ReadFile(filepath.Join(root, "etc/os-release"))
		if err != nil {
			continue
		}
		b := Boot{Distribution: distribution(string(data))}
		for _, file := range bootFiles {
			if _, err := os.Stat(filepath.Join(root, file)); err == nil {
				b.Files = append(b.Files, file)
			}
		}
		return b
	}
	return Boot{}
}

// distribution returns ID and ID_LIKE of an os-release file.
func distribution(osRelease string) string {
	var ids []string
	for line := range strings.Lines(osRelease) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name == "ID" || name == "ID_LIKE" {
			ids = append(ids, strings.Trim(value, `"'`))
		}
	}
	return strings.Join(ids, " ")
}

// is reports whether the distribution is one of these, or derives from one.
func (b Boot) is(names ...string) bool {
	return slices.ContainsFunc(strings.Fields(b.Distribution),
		func(id string) bool { return slices.Contains(names, id) })
}

func (b Boot) has(file string) bool { return slices.Contains(b.Files, file) }

// bootRemedy returns how to activate the BPF LSM in addition to the modules that are active, in words of the machine's
// distribution. The first case that fits counts: those in front are special forms of those behind.
func (f *Facts) bootRemedy() string {
	b, parameter := f.Boot, kernel.BootLSM(f.LSMs)
	in := func(place, then string) string {
		if then != "" {
			then = ", " + then
		}
		if f.BootParameter != "" {
			return fmt.Sprintf("replace %s with %s %s%s and reboot", f.BootParameter, parameter,
				strings.Replace(place, "to ", "in ", 1), then)
		}
		return fmt.Sprintf("add %s %s%s and reboot", parameter, place, then)
	}
	run := func(add, replace string) string {
		if f.BootParameter != "" {
			add = replace
		}
		return fmt.Sprintf("run %s and reboot", fmt.Sprintf(add, parameter))
	}
	const grub = "to GRUB_CMDLINE_LINUX in /etc/default/grub"
	switch {
	case b.is("bottlerocket"):
		name, value, _ := strings.Cut(parameter, "=")
		return fmt.Sprintf("set %q = [%q] in settings.boot.kernel-parameters of the node's user data, with "+
			"settings.boot.reboot-to-reconcile = true, and start the node anew", name, value)
	case b.is("talos"):
		return fmt.Sprintf("add %s to machine.install.extraKernelArgs of the machine configuration, or to "+
			"customization.extraKernelArgs of the Image Factory schematic where the node boots a unified "+
			"kernel image, and run talosctl upgrade", parameter)
	case b.is("nixos"):
		return "add \"bpf\" to security.lsm in /etc/nixos/configuration.nix, run nixos-rebuild boot and reboot"
	case b.is("flatcar"):
		return fmt.Sprintf("add the line set linux_append=\"$linux_append %s\" to /oem/grub.cfg and reboot",
			parameter)
	case b.is("rhcos"):
		return fmt.Sprintf("add %s to spec.kernelArguments of a MachineConfig of the node's pool, whose nodes "+
			"then reboot", parameter)
	case b.has(ostreeBooted):
		return run("rpm-ostree kargs --append=%s", "rpm-ostree kargs --delete=lsm --append=%s")
	case b.has(firmwareCmdline):
		return in("to the line in "+firmwareCmdline, "")
	case b.has(cmdlineD):
		return in("to a file in "+cmdlineD, "run mkinitcpio -P")
	case b.has(kernelCmdline) && !b.is("fedora", "rhel", "centos", "amzn"):
		return in("to "+kernelCmdline, "run kernel-install add-all")
	case b.is("debian", "ubuntu"):
		return in(grub, "run update-grub")
	case b.is("fedora", "rhel", "centos", "amzn"): // with GRUB, systemd-boot and zipl; replaces what is given
		return run("grubby --update-kernel=ALL --args=%s", "grubby --update-kernel=ALL --args=%s")
	case b.is("suse", "sles", "opensuse", "azurelinux", "mariner"):
		return in(grub, "run grub2-mkconfig -o /boot/grub2/grub.cfg")
	case b.is("arch", "gentoo"):
		return in(grub, "run grub-mkconfig -o /boot/grub/grub.cfg")
	case b.is("alpine"):
		return in("to default_kernel_opts in /etc/update-extlinux.conf", "run update-extlinux")
	}
	if f.BootParameter != "" {
		return fmt.Sprintf("replace %s with %s on the kernel's command line and reboot", f.BootParameter,
			parameter)
	}
	return fmt.Sprintf("add %s to the kernel's command line and reboot", parameter)
}
