package cli

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
)

// dashboardEnv names a folder for the database of a Prometheus. `make dashboard` draws docs/img/dashboard.png from it.
const dashboardEnv = "LSMPROF_TEST_DASHBOARD"

// A Prometheus scrapes a node with four pods under load for 14 minutes: denials, rules that are replaced, a job.
func TestDashboardData(t *testing.T) {
	dir := os.Getenv(dashboardEnv)
	if dir == "" {
		t.Skip("only for `make dashboard`")
	}
	c, r := startContainerd(t)
	pod := func(namespace, name, container string) *podWorkload {
		p := c.Pod(namespace, name, nil, "").Container(container, critest.App)
		w := startInContainer(t, r, p.Containers[container])
		t.Cleanup(w.stop)
		return w
	}
	first, second := pod("shop", "web-7c9d", "nginx"), pod("shop", "web-5f2a", "nginx")
	postgres, job := pod("shop", "db-0", "postgres"), pod("batch", "report-4k2", "job")
	e := startReference(t, map[uint32]enforcer.Rules{postgres.mntns: {File: 4}})
	deny, err := reference.DenyPath("**.key")
	must(t, err)
	confine := func(w *podWorkload, rules int) {
		must(t, e.Confine(w.mntns, reference.Policy{
			File: []reference.PathRule{deny}, Fillers: enforcer.Rules{File: rules - 1, Net: 4},
		}))
	}
	confine(first, 8)
	confine(second, 8)
	s := startServe(t, "--always", "--runtime-endpoint", c.Socket)
	stop := prometheus(t, dir, strings.TrimPrefix(s.url, "http://"))
	began, replaced := time.Now(), false
	for tick := 0; time.Since(began) < 14*time.Minute; tick++ {
		minute := time.Since(began).Minutes()
		wave := 1 + 0.5*math.Sin(2*math.Pi*minute/6)
		first.do("openat", int(1500*wave))
		first.do("connect", int(400*wave))
		second.do("openat", int(800*wave))
		postgres.do("openat", int(500*(2-wave)))
		postgres.do("rename", 150)
		if tick%2 == 0 {
			second.do("denied", 1)
		}
		if minute > 3 && minute < 7 {
			job.do("openat", 2000)
			job.do("execve", 100)
		}
		if minute > 9 && minute < 11 {
			first.do("denied", 6)
		}
		if minute > 8 && !replaced {
			replaced = true
			confine(first, 32)
		}
		time.Sleep(time.Second)
	}
	stop()
}

// prometheus scrapes an address into a database in dir, until the returned function is called.
func prometheus(t *testing.T, dir, address string) (stop func()) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 5s, scrape_timeout: 5s}
scrape_configs:
  - job_name: lsmprof
    honor_labels: true
    static_configs: [{targets: ["%s"], labels: {instance: node-7}}]
`, address), 0o600))
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+dir,
		"--web.listen-address=127.0.0.1:9090", "--storage.tsdb.retention.time=100y", "--log.level=warn")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	return func() {
		must(t, cmd.Process.Signal(unix.SIGTERM))
		must(t, cmd.Wait())
	}
}
