package kernel

import "testing"

func TestCPUModel(t *testing.T) {
	for cpuinfo, want := range map[string]string{
		"processor\t: 0\nmodel name\t: EPYC\n\nprocessor\t: 1\nmodel name\t: x\n": "EPYC",
		"": "unknown",
		"CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n": "implementer 0x41 part 0xd0c",
	} {
		if got := cpuModel([]byte(cpuinfo)); got != want {
			t.Errorf("%q: %q, want %q", cpuinfo, got, want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for release, want := range map[string]Version{
		"5.10.0-46-cloud-amd64":  {5, 10},
		"6.12.9":                 {6, 12},
		"7.0-rc3":                {7, 0},
		"6.8":                    {6, 8},
		"6.18.44-fc-v769":        {6, 18},
		"5.15.167.4-microsoft-x": {5, 15},
	} {
		if got, err := ParseVersion(release); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", release, got, err, want)
		}
	}
	for _, release := range []string{"", "x", "6", "6.x", "-1.2", "99999999.1"} {
		if v, err := ParseVersion(release); err == nil {
			t.Errorf("%q: no error, but %v", release, v)
		}
	}
	if v := (Version{5, 18}); !v.AtLeast(5, 18) || !v.AtLeast(4, 20) || v.AtLeast(5, 19) || v.AtLeast(6, 0) {
		t.Error("AtLeast is wrong around 5.18")
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("6.12.9-cloud-amd64")
	f.Add("5.10.")
	f.Fuzz(func(t *testing.T, release string) {
		if v, err := ParseVersion(release); err == nil && (v.Major < 0 || v.Minor < 0) {
			t.Errorf("%q: %v", release, v)
		}
	})
}
