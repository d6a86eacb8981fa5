package targets

import (
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		s     Selection
		owner string
		want  bool
	}{
		"all":                  {Selection{}, "varmor", true},
		"its enforcer":         {Selection{Enforcers: []string{"kubearmor", "varmor"}}, "varmor", true},
		"another enforcer":     {Selection{Enforcers: []string{"kubearmor"}}, "varmor", false},
		"unknown enforcers":    {Selection{Enforcers: []string{"generic"}}, "generic:agent", true},
		"an unknown enforcer":  {Selection{Enforcers: []string{"generic:agent"}}, "generic:agent", true},
		"another unknown one":  {Selection{Enforcers: []string{"generic:x"}}, "generic:agent", false},
		"known is not unknown": {Selection{Enforcers: []string{"generic"}}, "varmor", false},
		"its name":             {Selection{Programs: []string{"*_file_*"}}, "varmor", true},
		"another name":         {Selection{Programs: []string{"x", "y*"}}, "varmor", false},
		"its hook":             {Selection{Hooks: []string{"file_*"}}, "varmor", true},
		"another hook":         {Selection{Hooks: []string{"socket_*"}}, "varmor", false},
		"another module":       {Selection{LSMs: []string{"apparmor"}}, "varmor", false},
		"its enforcer, not hook": {
			Selection{Enforcers: []string{"varmor"}, Hooks: []string{"x"}},
			"varmor",
			false,
		},
	} {
		p := tracer.Program{Name: "varmor_file_open", Hook: "file_open"}
		if got := c.s.Program(p, func(tracer.Program) string { return c.owner }); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
