package bench

import (
	"fmt"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// The commands of a scenario get the mount namespaces of its workload. In a container all scenarios have the same.
func TestCommandsGetTheirNamespaces(t *testing.T) {
	for _, one := range []bool{false, true} {
		d := &Scripted{Own: NoEnforcer{}, OneNamespace: one}
		first := rundir.Scenario{Name: "a", Setup: &rundir.Step{}}
		second := rundir.Scenario{Name: "b", Setup: &rundir.Step{}}
		for _, s := range []rundir.Scenario{first, second, first, second} {
			if err := d.Confine(7, s); err != nil {
				t.Fatal(err)
			}
		}
		want := map[bool]string{
			false: "[LSMPROF_MNTNS= LSMPROF_SCENARIO=a]",
			true:  "[LSMPROF_MNTNS=7 LSMPROF_SCENARIO=a]",
		}[one]
		if got := fmt.Sprint(d.env(&first)); got != want {
			t.Errorf("one namespace for all: %v: %s, want %s", one, got, want)
		}
		if got, want := fmt.Sprint(d.env(&second)), "[LSMPROF_MNTNS=7 LSMPROF_SCENARIO=b]"; got != want {
			t.Errorf("one namespace for all: %v: %s, want %s", one, got, want)
		}
	}
}
