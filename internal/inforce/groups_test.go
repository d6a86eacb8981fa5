package inforce

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestGroups(t *testing.T) {
	progs := []tracer.Program{
		{ID: 1, Name: "a_open", Maps: []ebpf.MapID{10}},
		{ID: 2, Name: "a_exec", Maps: []ebpf.MapID{10, 11}}, // shares a map with the first
		{ID: 3, Name: "a_bind", Maps: []ebpf.MapID{12}},     // and a process with the second
		{ID: 4, Name: "b_open", Maps: []ebpf.MapID{13}},
		{ID: 5, Name: "c_open"}, // pinned
		{ID: 6, Name: "d_open", Maps: []ebpf.MapID{14}},
	}
	holders := map[ebpf.ProgramID][]lsm.Holder{
		2: {{PID: 200, Comm: "guardd"}}, 3: {{PID: 200, Comm: "guardd"}, {PID: 90, Comm: "guard-init"}},
		4: {{PID: 300, Comm: "other"}},
		6: {{PID: 301, Comm: "other"}}, // a second process of that command
	}
	got := map[string]string{}
	for name, members := range named(progs, holders) {
		for _, p := range members {
			got[name] += fmt.Sprint(p.ID, " ")
		}
	}
	want := map[string]string{"generic:guard-init": "1 2 3 ", "generic:other": "4 6 ", "generic:c_open": "5 "}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
