package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// podWorkload is the workload of these tests, run in a container through CRI.
type podWorkload struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Scanner
	mntns uint32
	ended chan error
}

func startContainerd(t *testing.T) (*critest.Containerd, *cri.Runtime) {
	t.Helper()
	vmtest.Guest(t)
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	c := critest.Start(t, "/proc/self/exe", workloadEnv+"=1")
	r := cri.New(c.Socket)
	t.Cleanup(r.Close)
	return c, r
}

func startInContainer(t *testing.T, r *cri.Runtime, id string) *podWorkload {
	t.Helper()
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &podWorkload{t: t, ended: make(chan error, 1)}
	for _, c := range r.Containers() {
		if c.ID == id {
			w.mntns = c.MntNS
		}
	}
	if w.mntns == 0 {
		t.Fatalf("container %.12s has no mount namespace in %+v", id, r.Containers())
	}
	theirs, in := io.Pipe()
	out, theirOut := io.Pipe()
	w.in, w.out = in, bufio.NewScanner(out)
	var stderr bytes.Buffer
	go func() {
		status, err := r.Exec(context.WithoutCancel(t.Context()), id, []string{"/bin/workload"},
			cri.Streams{Stdin: theirs, Stdout: theirOut, Stderr: &stderr})
		if err == nil && status != 0 {
			err = fmt.Errorf("exit status %d: %s", status, stderr.String())
		}
		theirOut.CloseWithError(errors.Join(err, io.EOF))
		theirs.CloseWithError(io.EOF)
		w.ended <- err
	}()
	w.expect("ready")
	return w
}

func (w *podWorkload) do(operation string, times int) {
	w.t.Helper()
	fmt.Fprintf(w.in, "%s %d\n", operation, times)
	w.expect("done")
}

func (w *podWorkload) expect(line string) {
	w.t.Helper()
	if !w.out.Scan() || w.out.Text() != line {
		w.t.Fatalf("workload: %q, want %q; %v", w.out.Text(), line, w.out.Err())
	}
}

func (w *podWorkload) stop() {
	w.t.Helper()
	w.in.Close()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
}

// opens are the file_open invocations of openat, by `workload rules`.
func (r *liveRecord) opens() (map[string]uint64, []profile.DocumentRow) {
	r.t.Helper()
	opens := map[string]uint64{}
	rows := r.finish()
	for _, row := range rows {
		if row.Hook == "file_open" && row.Syscall == "openat" && row.Pod != "" {
			opens[row.Workload+" "+rulesText(row.Rules)] += row.Seen
		}
	}
	return opens, rows
}

// They share a containerd: in an emulated machine its start takes as long as a test.
func TestContainerd(t *testing.T) {
	c, r := startContainerd(t)
	t.Run("pods are charged their rules", func(t *testing.T) { podsAreChargedTheirRules(t, c, r) })
	t.Run("filters follow containers", func(t *testing.T) { filtersFollowContainers(t, c, r) })
	t.Run("serve as the DaemonSet does", func(t *testing.T) { serveInAPod(t, c, r) })
	t.Run("recipes for one node", func(t *testing.T) { recipes(t, c, r) })
	t.Run("bench under the reference", func(t *testing.T) { benchUnderTheReference(t, c, r) })
	t.Run("the example of vArmor", func(t *testing.T) {
		c.Pod("lsmprof", "benchmark", map[string]string{"app": "benchmark"}, "").Container("test", critest.App)
		runExampleVArmor(t, "--runtime-endpoint", c.Socket, "--pod", "lsmprof/benchmark")
	})
}

// The policy is on one pod: the profile charges its containers with the rules, and the others with none.
func podsAreChargedTheirRules(t *testing.T, c *critest.Containerd, r *cri.Runtime) {
	web := c.Pod("shop", "web-0", map[string]string{"app": "web"}, "").
		Container("nginx", critest.App).Container("sidecar", critest.App)
	db := c.Pod("shop", "db-0", nil, "").Container("postgres", critest.App)
	other := c.Pod("batch", "job-1", nil, "").Container("job", critest.App)
	nginx := startInContainer(t, r, web.Containers["nginx"])
	sidecar := startInContainer(t, r, web.Containers["sidecar"])
	postgres := startInContainer(t, r, db.Containers["postgres"])
	job := startInContainer(t, r, other.Containers["job"])
	policy := enforcer.Rules{File: 8}
	startReference(t, map[uint32]enforcer.Rules{nginx.mntns: policy, sidecar.mntns: policy})

	rec := startRecord(t, "--runtime-endpoint", c.Socket, "--hook", "file_open")
	for i, w := range []*podWorkload{nginx, sidecar, postgres, job} {
		w.do("openat", 100*(i+1))
		w.stop()
	}
	// A container whose pod is deleted while it is measured keeps its name. A new pod of that name has it, too.
	other.Delete()
	other = c.Pod("batch", "job-1", nil, "").Container("job", critest.App)
	again := startInContainer(t, r, other.Containers["job"])
	again.do("openat", 200)
	again.stop()
	opens, rows := rec.opens()
	for name, want := range map[string]uint64{
		"shop/web-0/nginx 8": 100, "shop/web-0/sidecar 8": 200, "shop/db-0/postgres 0": 300,
		"batch/job-1/job 0": 600,
	} {
		// Ending the workload and the container opens a few files as well.
		if got := opens[name]; got < want || got > want+100 {
			t.Errorf("%s: %d, want %d and a few; all: %v", name, got, want, opens)
		}
		delete(opens, name)
	}
	for name := range opens {
		if strings.HasSuffix(name, " 8") || strings.HasPrefix(name, "shop/web-0/") {
			t.Errorf("charged %s %d", name, opens[name])
		}
	}
	for _, row := range rows {
		want := profile.DocumentRow{
			Namespace: "shop", Pod: "web-0", Container: "nginx", ContainerID: web.Containers["nginx"],
			Image: critest.App, Labels: "app=web",
		}
		got := profile.DocumentRow{
			Namespace: row.Namespace, Pod: row.Pod, Container: row.Container, ContainerID: row.ContainerID,
			Image: row.Image, Labels: row.Labels,
		}
		if row.MntNS == nginx.mntns && got != want {
			t.Errorf("row %+v, want %+v", got, want)
		}
	}
	if text := listed(t, "--runtime-endpoint", c.Socket); !strings.Contains(text, "shop/web-0/nginx") {
		t.Errorf("list does not name the container:\n%s", text)
	}
}

// Containers that start later are measured, too; those that are not selected never are.
func filtersFollowContainers(t *testing.T, c *critest.Containerd, r *cri.Runtime) {
	db := c.Pod("shop", "db-1", nil, "").Container("postgres", critest.App)
	postgres := startInContainer(t, r, db.Containers["postgres"])
	startReference(t, map[uint32]enforcer.Rules{postgres.mntns: {File: 8}})

	rec := startRecord(t, "--runtime-endpoint", c.Socket, "--namespace", "sh*", "--pod", "shop/web-1*",
		"--container", "ng*", "--hook", "file_open")
	web := c.Pod("shop", "web-1", nil, "").Container("nginx", critest.App).Container("sidecar", critest.App)
	nginx := startInContainer(t, r, web.Containers["nginx"])
	sidecar := startInContainer(t, r, web.Containers["sidecar"])
	critest.Wait(t, "the filter lets the new container through", func() error { return passes(nginx.mntns) })
	for _, w := range []*podWorkload{nginx, sidecar, postgres} {
		w.do("openat", 100)
		w.stop()
	}
	opens, _ := rec.opens()
	if got := opens["shop/web-1/nginx 0"]; got < 100 || len(opens) != 1 {
		t.Errorf("%v, want 100 of shop/web-1/nginx and nothing else", opens)
	}
}

// passes looks into the control map of the probes.
func passes(mntns uint32) error {
	want := binary.NativeEndian.AppendUint32(nil, mntns)
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		info, err := m.Info()
		var value []byte
		if err == nil && info.Name == ".data.control" {
			value, err = m.LookupBytes(uint32(0))
		}
		m.Close()
		if err == nil && bytes.Contains(value, want) {
			return nil
		}
	}
	return errors.New("not yet")
}

// The scenarios of the reference enforcer take turns in the one mount namespace that a container has.
func benchUnderTheReference(t *testing.T, c *critest.Containerd, r *cri.Runtime) {
	pod := c.Pod("shop", "bench-0", nil, "").Container("bare", critest.Bare)
	out, _ := runBench(t, 0, "--runtime-endpoint", c.Socket, "--container", pod.Containers["bare"][:12],
		"--rules", "8", "--tests", "openclose", "--hook", "file_open", "--runs", "1", "--slice", "5ms",
		"--warmup", "1ms", "--json", "--output", filepath.Join(t.TempDir(), "run"))
	var doc struct{ Cells []rundir.Cell }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	rules := map[string]int{}
	for _, cell := range doc.Cells {
		if cell.Profile == nil || !oneOpenEach(cell) || len(cell.Profile.Rows) == 0 {
			continue
		}
		rules[cell.Scenario] = cell.Profile.Rows[0].Rules
	}
	if want := map[string]int{"no-policy": 0, "allow": 0, "rules=8": 8}; !maps.Equal(rules, want) {
		t.Errorf("openclose, with a call of file_open each, by scenario: %v, want rules %v; all: %s", rules,
			want, out)
	}
}
