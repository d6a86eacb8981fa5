package cli

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/targets"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestNothingToMeasureSuggestsNames(t *testing.T) {
	attached := []tracer.Program{{Name: "varmor_file_open", Hook: "file_open", Links: []link.ID{1}}}
	for _, test := range []struct {
		s     *session
		progs []tracer.Program
		want  string
	}{
		{&session{}, nil, "no BPF LSM program is attached"},
		{
			&session{selection: targets.Selection{Hooks: []string{"fileopen"}}}, attached,
			`none of the 1 attached BPF LSM programs (did you mean "file_open"?)`,
		},
		{
			&session{selection: targets.Selection{Programs: []string{"varmor_file_opn"}}}, attached,
			`(did you mean "varmor_file_open"?)`,
		},
		{
			&session{selection: targets.Selection{Programs: []string{"x*"}}}, attached,
			"none of the 1 attached BPF LSM programs; `lsmprof list",
		},
	} {
		if err := test.s.nothingToMeasure(test.progs); !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}
