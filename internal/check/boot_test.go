package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemedyFitsTheDistribution(t *testing.T) {
	for _, test := range []struct {
		release string
		files   []string
		booted  string // the parameter that is given already
		want    string
	}{
		{
			"ID=ubuntu\nID_LIKE=debian\n", nil, "",
			"add lsm=capability,bpf to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot",
		},
		{
			"ID=debian\n", nil, "lsm=capability", "replace lsm=capability with lsm=capability,bpf in " +
				"GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot",
		},
		{
			"ID=debian\n",
			[]string{firmwareCmdline},
			"",
			"add lsm=capability,bpf to the line in /boot/firmware/cmdline.txt and reboot",
		},
		{
			"ID=debian\n",
			[]string{kernelCmdline},
			"",
			"add lsm=capability,bpf to /etc/kernel/cmdline, run kernel-install add-all and reboot",
		},
		{
			"NAME=x\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
			[]string{kernelCmdline},
			"lsm=yama",
			"run grubby --update-kernel=ALL --args=lsm=capability,bpf and reboot",
		},
		{
			"ID=fedora\nVARIANT_ID=coreos\n",
			[]string{ostreeBooted},
			"",
			"run rpm-ostree kargs --append=lsm=capability,bpf and reboot",
		},
		{
			"ID=fedora\n",
			[]string{ostreeBooted},
			"lsm=yama",
			"run rpm-ostree kargs --delete=lsm --append=lsm=capability,bpf and reboot",
		},
		{
			"ID=rhcos\nID_LIKE=\"rhel fedora\"\n",
			[]string{ostreeBooted},
			"",
			"kernelArguments of a MachineConfig",
		},
		{"ID=opensuse-leap\nID_LIKE='suse opensuse'\n", nil, "", "run grub2-mkconfig -o /boot/grub2/grub.cfg"},
		{"ID=azurelinux\n", nil, "", "run grub2-mkconfig -o /boot/grub2/grub.cfg"},
		{"ID=arch", nil, "", "run grub-mkconfig -o /boot/grub/grub.cfg"},
		{"ID=arch", []string{cmdlineD}, "", "to a file in /etc/cmdline.d, run mkinitcpio -P and reboot"},
		{
			"ID=alpine", nil, "",
			"default_kernel_opts in /etc/update-extlinux.conf, run update-extlinux and reboot",
		},
		{
			"ID=bottlerocket", nil, "",
			`set "lsm" = ["capability,bpf"] in settings.boot.kernel-parameters of the node's user data`,
		},
		{"ID=talos", nil, "", "add lsm=capability,bpf to machine.install.extraKernelArgs"},
		{"ID=nixos", nil, "", `add "bpf" to security.lsm`},
		{
			"ID=flatcar\nID_LIKE=coreos\n", nil, "",
			`add the line set linux_append="$linux_append lsm=capability,bpf" to /oem/grub.cfg and reboot`,
		},
		{"ID=unheard-of", nil, "", "add lsm=capability,bpf to the kernel's command line and reboot"},
		{
			"", nil, "lsm=yama",
			"replace lsm=yama with lsm=capability,bpf on the kernel's command line and reboot",
		},
	} {
		root := t.TempDir()
		for _, file := range append(test.files, "/etc/os-release") {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.release), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f := goodFacts()
		f.LSMs, f.BootParameter, f.Boot = []string{"capability"}, test.booted, boot("/nope", root)
		if got := judgeActive(&f).Remedy; !strings.Contains(got, test.want) {
			t.Errorf("%q %q:\n%s, want\n%s", test.release, test.files, got, test.want)
		}
	}
	if got := boot("/nope"); got.Distribution != "" || got.Files != nil {
		t.Errorf("without the file: %+v", got)
	}
}
