package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/examples"
	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
)

// standInKubectl is a kubectl that passes its request to the cluster of the test through files in a folder. It supports
// only the calls of examples/varmor.
const standInKubectl = `#!/bin/sh
set -e
cd CLUSTER
ask() {
	n=$(($(cat asked 2>/dev/null || echo 0) + 1))
	echo $n >asked
	while [ "$(cat done 2>/dev/null)" != $n ]; do sleep 0.05; done
}
case "$*" in
"apply -f policy-"?.yaml) cat "$OLDPWD/$3" >policy; echo "$LSMPROF_MNTNS" >mntns ;;
"-n varmor patch daemonset varmor-agent --type merge -p "*'"lsmprof/varmor":"off"'*) echo off >agent ;;
"-n varmor patch daemonset varmor-agent --type merge -p "*'"lsmprof/varmor":null'*) echo on >agent ;;
"-n varmor rollout status daemonset varmor-agent --timeout 300s") ;;
*) echo "kubectl $*: not expected" >&2; exit 1 ;;
esac
ask
`

// cluster plays a cluster with vArmor. Its agent is the look-alike, with the rules of the policy in its maps.
type cluster struct {
	dir   string
	agent *lookalike.VArmor
	asked int
}

// follow carries out the requests to kubectl until stop is closed.
func (c *cluster) follow(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return c.set("off")
		case <-time.After(10 * time.Millisecond):
		}
		n, _ := strconv.Atoi(c.read("asked"))
		if n <= c.asked {
			continue
		}
		if err := c.set(c.read("agent")); err != nil {
			return err
		}
		if err := c.apply(); err != nil {
			return err
		}
		c.asked = n
		if err := os.WriteFile(filepath.Join(c.dir, "done"), []byte(strconv.Itoa(n)), 0o644); err != nil {
			return err
		}
	}
}

func (c *cluster) set(state string) (err error) {
	switch {
	case state == "off" && c.agent != nil:
		err, c.agent = c.agent.Close(), nil
	case state != "off" && c.agent == nil:
		c.agent, err = lookalike.VArmorLayouts[len(lookalike.VArmorLayouts)-1].Load()
	}
	return err
}

// apply puts the policy in force for the workload. As with vArmor, an agent that restarts finds both.
func (c *cluster) apply() error {
	policy := c.read("policy")
	if c.agent == nil || policy == "" {
		return nil
	}
	rules, err := readVArmorPolicy([]byte(policy))
	if err != nil {
		return err
	}
	for _, ns := range strings.Split(c.read("mntns"), ",") {
		if err := c.agent.Confine(uint32(atoi(ns)), lookalike.VArmorEnforce, rules); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(c.dir, name))
	return strings.TrimSpace(string(data))
}

// runExampleVArmor runs `lsmprof bench` with the scenario file and more flags, and checks what was in force while it
// scored each scenario.
func runExampleVArmor(t *testing.T, flags ...string) {
	t.Helper()
	work := t.TempDir()
	must(t, os.CopyFS(work, examples.Files))
	scripts, err := filepath.Glob(filepath.Join(work, "varmor/*.sh"))
	must(t, err)
	for _, path := range scripts { // an embedded file has no mode
		must(t, os.Chmod(path, 0o755))
	}
	c := &cluster{dir: t.TempDir()}
	bin := t.TempDir()
	kubectl := strings.ReplaceAll(standInKubectl, "CLUSTER", c.dir)
	lsmprof := "#!/bin/sh\n" + lsmprofEnv + "=1 exec /proc/" + strconv.Itoa(os.Getpid()) + "/exe \"$@\"\n"
	must(t, os.WriteFile(filepath.Join(bin, "kubectl"), []byte(kubectl), 0o755))
	must(t, os.WriteFile(filepath.Join(bin, "lsmprof"), []byte(lsmprof), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Chdir(filepath.Join(work, "varmor"))

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() { failed = c.follow(stop) })
	run := filepath.Join(t.TempDir(), "run")
	runBench(t, 0, append([]string{
		"--scenarios", "scenarios.yaml", "--tests", "openclose", "--runs", "1", "--slice", "5ms", "--warmup",
		"1ms", "--order", "sequential",
		"--profile", "off", "--dir", run, "-o", "json",
	}, flags...)...)
	close(stop)
	wg.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	want := map[string]enforcer.Rules{
		"no-rules": {}, "rules=1": {File: 1, Exec: 1, Net: 1, Cap: 1},
		"rules=2": {File: 2, Exec: 2, Net: 2, Cap: 2},
		"rules=4": {File: 4, Exec: 4, Net: 4, Cap: 4}, "rules=8": {File: 8, Exec: 8, Net: 8, Cap: 4},
	}
	d, err := bench.Open(run)
	must(t, err)
	defer d.Close()
	seen := map[string]int{}
	for _, r := range d.Results() {
		seen[r.Scenario]++
		if r.Score <= 0 || r.InForce == nil {
			t.Errorf("%s: score %g, in force: %+v", r.Scenario, r.Score, r.InForce)
			continue
		}
		rules, ruled := want[r.Scenario]
		if got, ok := r.InForce.Policies["varmor"]; ok != ruled || got != rules {
			t.Errorf("%s: the maps showed %+v (%v), want %+v", r.Scenario, got, ok, rules)
		}
		if programs := r.InForce.Programs["varmor"]; ruled && programs != 12 || !ruled && programs != 0 {
			t.Errorf("%s: %d programs of vArmor were attached", r.Scenario, programs)
		}
	}
	if len(seen) != len(want)+2 { // not installed, twice
		t.Errorf("scenarios %v, want %d", seen, len(want)+2)
	}
	// The run is about the enforcer that its scenarios put in force, whatever lsmprof's own is called.
	found := d.Info.Enforcers["rules=8"]
	if d.Info.Enforcer != "varmor" || len(found) != 1 || found[0].Product != "varmor" || found[0].Programs != 12 {
		t.Errorf("enforcer %q %q, in force under rules=8: %+v", d.Info.Enforcer, d.Info.Product, found)
	}
	if none := d.Info.Enforcers["not-installed"]; len(none) != 0 {
		t.Errorf("in force under not-installed: %+v", none)
	}
}
