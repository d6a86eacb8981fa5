package cli

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
)

func TestContainerdZRecord(t *testing.T) {
	c, r := startContainerd(t)
	web := c.Pod("shop", "web-0", map[string]string{"app": "web"}, "").Container("nginx", critest.App)
	db := c.Pod("shop", "db-0", nil, "").Container("postgres", critest.App)
	nginx, pg := startInContainer(t, r, web.Containers["nginx"]), startInContainer(t, r, db.Containers["postgres"])
	startReference(t, map[uint32]enforcer.Rules{nginx.mntns: {File: 8, Exec: 4}, pg.mntns: {File: 2}})
	s := newSession("serve", []string{"--listen=127.0.0.1:6061"})
	s.calibrate, s.memory, s.containers.endpoint = "on", 64, c.Socket
	tr, err := s.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []profile.Snapshot
	for range 3 {
		for _, op := range []string{"openat", "rename", "execve", "socket"} {
			nginx.do(op, 200)
			pg.do(op, 50)
		}
		time.Sleep(500 * time.Millisecond)
		if err := tr.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap, err := s.snapshot(tr)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, snap)
	}
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll("/data", 0o755)
	if err := os.WriteFile("/data/recorded.json", out, 0o644); err != nil {
		t.Fatal(err)
	}
}
