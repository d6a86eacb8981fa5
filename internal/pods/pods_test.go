package pods

import (
	"errors"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/profile"
)

func TestContainersAreChosenByGlob(t *testing.T) {
	nginx := cri.Container{Namespace: "shop", Pod: "web-0", Name: "nginx"}
	sandbox := cri.Container{Namespace: "shop", Pod: "web-0"}
	for _, test := range []struct {
		namespace, pod, container string
		nginx, sandbox            bool
	}{
		{"shop", "", "", true, true},
		{"s*", "web-?", "", true, true},
		{"other,shop", "", "", true, true},
		{"", "", "ng*", true, false},
		{"", "*", "*", true, false},
		{"", "shop/web-*", "", true, true},
		{"", "other/web-*", "", false, false},
		{"", "web", "", false, false},
		{"other", "web-0", "", false, false},
	} {
		c := Selection{
			Namespaces: globs(test.namespace), Pods: globs(test.pod),
			Containers: globs(test.container),
		}
		if got := c.selects(&nginx); got != test.nginx {
			t.Errorf("%+v: nginx %v", test, got)
		}
		if got := c.selects(&sandbox); got != test.sandbox {
			t.Errorf("%+v: sandbox %v", test, got)
		}
	}
}

func globs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestOnlyContainersMissTheirRuntime(t *testing.T) {
	inContainer := profile.Workload{MntNS: 1, Comm: "nginx", ContainerID: strings.Repeat("3f9a", 16)}
	for _, test := range []struct {
		what string
		err  error
		w    profile.Workload
		want int
	}{
		{
			"none, and no container", cri.ErrNone,
			profile.Workload{MntNS: 1, Comm: "sh", Cgroup: "/user.slice"},
			0,
		},
		{"none, and a container", cri.ErrNone, inContainer, 1},
		{"a dead one", errors.New("dead"), profile.Workload{MntNS: 1, Comm: "sh"}, 1},
		{"a live one", nil, inContainer, 0},
	} {
		var c Selection
		c.report(test.err)
		c.report(test.err)
		snap := profile.Snapshot{Rows: []profile.Row{{Workload: test.w}}}
		if got := c.Warnings(&snap); len(got) != test.want {
			t.Errorf("%s: %q", test.what, got)
		}
	}
}
