package check

import (
	"errors"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestOtherModules(t *testing.T) {
	f := goodFacts()
	f.LSMs = []string{"capability", "acme", "yama", "apparmor", "tomoyo", "bpf"}
	f.Functions = append(f.Functions,
		tracer.Function{LSM: "apparmor", Name: "apparmor_file_open"},
		tracer.Function{LSM: "apparmor", Name: "apparmor_path_rename"},
		tracer.Function{LSM: "apparmor", Name: "apparmor_capable", Unavailable: "the compiler inlined it"},
		tracer.Function{LSM: "tomoyo", Name: "tomoyo_file_open", Unavailable: "the compiler inlined it"})
	i := judgeModules(&f)
	if want := "functions that --lsm measures: capability 1, apparmor 2"; i.State != OK || i.Value != want {
		t.Errorf("%v %q, want %q", i.State, i.Value, want)
	}
	for _, want := range []string{
		"acme (lsmprof does not know its functions)", "yama (this kernel shows none of its functions)",
		"apparmor_capable (the compiler inlined it)", "tomoyo_file_open (the compiler inlined it)",
	} {
		if !strings.Contains(i.Reason, want) {
			t.Errorf("%q does not say %q", i.Reason, want)
		}
	}
	if strings.Contains(i.Reason, "tomoyo (") {
		t.Errorf("%q names tomoyo twice", i.Reason)
	}
	f.FunctionsErr = errors.New("read the kernel's BTF: no such file or directory")
	if i := judgeModules(&f); i.State != Warn {
		t.Errorf("%+v", i)
	}
}
