package targets

import (
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestSelectedModules(t *testing.T) {
	active := []string{"lockdown", "capability", "apparmor", "bpf"}
	for _, test := range []struct {
		names  string
		bpf    bool
		others bool
		total  string // what the rows of security_* are called
	}{
		{"", true, false, "remainder"},
		{"bpf", true, false, "remainder"},
		{"all", true, true, "framework"},
		{"total", false, true, "total"},
		{"apparmor", false, true, "remainder"},
		{"bpf,apparmor,total", true, true, "remainder"},
		{"lockdown,capability,apparmor,bpf,total", true, true, "framework"},
	} {
		var o Selection
		if test.names != "" {
			o.LSMs = strings.Split(test.names, ",")
		}
		if got := o.Measures(BPF); got != test.bpf {
			t.Errorf("%q: measures BPF: %v", test.names, got)
		}
		if got := o.Others(); got != test.others {
			t.Errorf("%q: measures others: %v", test.names, got)
		}
		if got := o.nameOfTotal(active); got != test.total {
			t.Errorf("%q: %q, want %q", test.names, got, test.total)
		}
	}
}

func TestFunctionsThatAreLeftOutAreNamed(t *testing.T) {
	o := Functions{left: []tracer.Function{
		{Name: "apparmor_file_permission", Hook: "file_permission", Frequent: true},
		{Name: "security_file_permission", Hook: "file_permission", Frequent: true},
		{Name: "apparmor_capable", Hook: "capable", Unavailable: "the compiler inlined it"},
	}}
	want := []string{
		"apparmor_capable cannot be measured, because the compiler inlined it",
		"1 hook that is called very often is measured only if --hook names it: file_permission",
	}
	if got := o.Notes("--hook"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
