package container

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/cri"
)

func TestFind(t *testing.T) {
	all := []cri.Container{
		{ID: "aa11", Namespace: "shop", Pod: "web", Name: "nginx", PID: 10},
		{ID: "aa22", Namespace: "shop", Pod: "web", Name: "sidecar", PID: 11},
		{ID: "bb33", Namespace: "shop", Pod: "db", Name: "postgres", PID: 12},
		{ID: "cc44", Namespace: "shop", Pod: "db", PID: 13}, // its sandbox
		{ID: "dd55", Namespace: "x", Pod: "y", Name: "z"},
	}
	for name, want := range map[string]string{
		"aa2": "aa22", "shop/db": "bb33", "shop/web/nginx": "aa11",
		"shop/web": "!shop/web/nginx (aa11), shop/web/sidecar (aa22)", "aa": "!several",
		"cc44": "!no running container",
		"web":  "!no running container", "x/y": "!does not report its process",
	} {
		got, err := find(all, name)
		if text, fails := strings.CutPrefix(want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", name, err, text)
			}
		} else if err != nil || got.ID != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
