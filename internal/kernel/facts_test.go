package kernel

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestBootLSMKeepsTheOrder(t *testing.T) {
	for list, want := range map[string]string{
		"lockdown,capability,landlock,yama,apparmor\n": "lsm=lockdown,capability,landlock,yama,apparmor,bpf",
		"capability":             "lsm=capability,bpf",
		"capability,bpf,selinux": "lsm=capability,bpf,selinux",
		"":                       "lsm=bpf",
	} {
		if got := BootLSM(parseLSMs(list)); got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}

func TestBootParameter(t *testing.T) {
	for cmdline, want := range map[string]string{
		"quiet lsm=a,b ro\n":       "a,b",
		"lsm=a lsm=b":              "b",
		"quiet -- lsm=for-init":    "",
		"security=selinux xlsm=no": "",
	} {
		if got := findParameter(cmdline, "lsm="); got != want {
			t.Errorf("%q: %q, want %q", cmdline, got, want)
		}
	}
}

func TestBracketed(t *testing.T) {
	for in, want := range map[string]string{
		"[none] integrity": "none", "none [integrity] x": "integrity",
		"none": "", "": "", "[open": "",
	} {
		if got := bracketed(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestConfigOption(t *testing.T) {
	config := "# CONFIG_PREEMPT is not set\nCONFIG_BPF_LSM=y\nCONFIG_BPF_LSM_X=n\nCONFIG_LSM=\"lockdown,bpf\"\n"
	for option, want := range map[string]string{
		"CONFIG_BPF_LSM": "y", "CONFIG_LSM": "lockdown,bpf",
		"CONFIG_PREEMPT": "",
	} {
		if got, err := findOption(strings.NewReader(config), option); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", option, got, err, want)
		}
	}
}

func TestFindSymbolMatchesWholeNames(t *testing.T) {
	kallsyms := "0000000000000000 T bpf_lsm_file_open_x\n0000000000000000 t bpf_lsm_capable [mod]\n"
	for name, want := range map[string]bool{
		"bpf_lsm_file_open": false, "bpf_lsm_file_open_x": true,
		"bpf_lsm_capable": true,
	} {
		if got, err := findSymbol(strings.NewReader(kallsyms), name); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := findSymbol(strings.NewReader(""), "bpf_lsm_file_open"); err == nil {
		t.Error("an empty /proc/kallsyms says that a symbol is missing")
	}
}

func TestPreemption(t *testing.T) {
	for _, test := range []struct{ build, dynamic, booted, configured, want string }{
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12", "full", "none", "none", PreemptFull},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12", "", "full", "none", PreemptFull},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12", "", "", "none", PreemptNone},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12", "", "", "", PreemptUnknown},
		{"#1 SMP PREEMPT_RT", "", "", "", PreemptRT},
		{"#1 SMP PREEMPT Mon", "", "", "", PreemptFull},
		{"#1 SMP PREEMPT Mon", "lazy", "", "", PreemptLazy},
		{"#1 SMP Debian 5.10.262-1", "", "", "voluntary", PreemptVoluntary},
		{"#1 SMP Debian 5.10.262-1", "", "", "none", PreemptNone},
		{"#1 SMP Debian 5.10.262-1", "", "", "", PreemptNoneOrVoluntary},
		{"#1 SMP PREEMPT_NEW", "", "", "", PreemptUnknown},
		{"", "", "", "", PreemptUnknown},
	} {
		if got := preemption(test.build, test.dynamic, test.booted, test.configured); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
	if got := bracketedRound("none voluntary (full) lazy\n"); got != PreemptFull {
		t.Errorf("debugfs: %q", got)
	}
}

func TestPrivileges(t *testing.T) {
	p, err := parseStatus("Name:\tx\nCapEff:\t0000000000200000\nCapBnd:\t000000c000200000\n")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Has("CAP_SYS_ADMIN") || p.Has("CAP_BPF") || !p.MayHave("CAP_BPF") || p.MayHave("CAP_SYS_PTRACE") {
		t.Errorf("wrong capabilities: %+v", p)
	}
	if _, err := parseStatus("CapEff:\tzz\n"); err == nil {
		t.Error("no error for a broken mask")
	}
	if !initialUIDMap("         0          0 4294967295\n") || initialUIDMap("0 1000 1\n") || initialUIDMap("") {
		t.Error("the uid_map of the initial user namespace is not recognized, or another one is")
	}
}

func TestRetpolines(t *testing.T) {
	for state, want := range map[string]bool{
		// Linux to 5.10.104 and 5.15.27.
		"Mitigation: Full generic retpoline, IBPB: conditional, IBRS_FW, STIBP: conditional": true,
		"Mitigation: Full AMD retpoline, IBPB: conditional, STIBP: disabled, RSB filling":    true,
		// Linux 4.15 to 4.20, with a module that the compiler built without them.
		"Mitigation: Full generic retpoline - vulnerable module loaded":                true,
		"Mitigation: Full AMD retpoline, IBPB, IBRS_FW - vulnerable module loaded":     true,
		"Vulnerable: Minimal generic ASM retpoline - vulnerable module loaded":         false,
		"Vulnerable: Minimal AMD ASM retpoline":                                        false,
		"Vulnerable, IBPB: disabled, STIBP: disabled, PBRSB-eIBRS: Vulnerable":         false,
		"Vulnerable: eIBRS+LFENCE with unprivileged eBPF and SMT":                      false,
		"Vulnerable: LFENCE; IBPB: conditional; STIBP: disabled; BHI: Not affected":    false,
		"Mitigation: IBRS; IBPB: conditional; STIBP: conditional; BHI: Retpoline":      false,
		"Mitigation: Enhanced / Automatic IBRS + LFENCE; IBPB: conditional; BHI: Loop": false,
		// Kernels of Red Hat and SUSE.
		"Mitigation: Full retpoline, IBPB":                                  true,
		"Mitigation: Full retpoline and IBRS (user space)":                  true,
		"Vulnerable: Retpoline without IBPB":                                true,
		"Vulnerable: Retpoline on Skylake+":                                 true,
		"Vulnerable: Minimal ASM retpoline":                                 false,
		"Mitigation: IBRS (kernel and user space)":                          false,
		"Mitigation: Indirect Branch Restricted Speculation, IBPB, IBRS_FW": false,
		"Mitigation: Basic IBRS":                                            false,
		// Later kernels.
		"Mitigation: Retpolines; IBPB: conditional; PBRSB-eIBRS: Not affected":                  true,
		"Mitigation: Retpolines, IBPB: conditional, IBRS_FW, STIBP: disabled":                   true,
		"Mitigation: Enhanced IBRS + Retpolines; IBPB: conditional; RSB filling":                true,
		"Mitigation: Enhanced / Automatic IBRS + Retpolines; IBPB: conditional; BHI: Retpoline": true,
		"Vulnerable: Retpoline with unsafe module(s)":                                           true,
		// The retpoline of BHI mitigates another flaw.
		"Mitigation: Enhanced IBRS; IBPB: conditional; RSB filling; BHI: Retpoline": false,
		"Mitigation: Enhanced / Automatic IBRS; IBPB: conditional":                  false,
		"Mitigation: LFENCE; IBPB: conditional":                                     false,
		"Mitigation: CSV2, BHB":                                                     false, // arm64
		"Vulnerable: Minimal generic ASM retpoline":                                 false,
		"Vulnerable": false, "Not affected": false, "": false,
	} {
		states := map[string]string{"spectre_v2": state, "meltdown": "Mitigation: PTI"}
		if got := Retpolines(mitigations(states)); got != want {
			t.Errorf("%q: %v, want %v", state, got, want)
		}
	}
}

func TestMitigations(t *testing.T) {
	got := mitigations(map[string]string{
		"spectre_v2": "Mitigation: Retpolines; STIBP: disabled", "meltdown": "Not affected",
		"mds":        "Vulnerable",
		"spectre_v1": "Mitigation: usercopy/swapgs barriers and __user pointer sanitization",
	})
	want := []string{
		"spectre_v1: usercopy/swapgs barriers and __user pointer sanitization",
		"spectre_v2: Retpolines",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSecurityfsIsReadWhereItIsNotMounted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	data, err := readPseudo("proc", t.TempDir(), "uptime")
	if err != nil || len(data) == 0 {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := readPseudo("nosuchfs", t.TempDir(), "lsm"); err == nil {
		t.Error("no error for a file system that does not exist")
	}
}

func FuzzLSMs(f *testing.F) {
	f.Add("lockdown,capability,bpf\n")
	f.Add(",,")
	f.Fuzz(func(t *testing.T, list string) {
		lsms := parseLSMs(list)
		if slices.Contains(lsms, "") {
			t.Errorf("%q has an empty module", list)
		}
		if n := len(parseLSMs(strings.TrimPrefix(BootLSM(lsms), "lsm="))); n != len(lsms) && n != len(lsms)+1 {
			t.Errorf("%q: %d modules became %d", list, len(lsms), n)
		}
	})
}

func FuzzProc(f *testing.F) {
	f.Add("CapEff:\t01\nmodel name: x\nCONFIG_X=\"y\"\nnone [full] (lazy)")
	f.Fuzz(func(t *testing.T, in string) {
		_, _ = parseStatus(in)
		_ = cpuModel([]byte(in))
		_ = bracketed(in)
		_ = findParameter(in, "lsm=")
		_ = preemption(in, "", "", "")
		if v, err := findOption(strings.NewReader(in), "CONFIG_X"); err == nil && strings.Contains(v, "\n") {
			t.Errorf("a value over two lines: %q", v)
		}
	})
}
