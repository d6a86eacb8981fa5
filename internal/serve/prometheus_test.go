package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lsmprof/lsmprof/deploy"
)

func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("needs Debian's prometheus: make deps")
	}
	s := startReplay(t, nil)
	s.get(t, "/metrics") // to be counted
	_, _, metrics := s.get(t, "/metrics")
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v: %s", err, out)
	}
}

// promServer is a real Prometheus, with its data in its own directory.
type promServer struct {
	t   *testing.T
	url string
}

// startPrometheus starts a Prometheus that scrapes a server as the PodMonitor configures it: with a token, and with
// labels of the target that must not replace those of the metrics.
func startPrometheus(t *testing.T, target, token string, flags ...string) promServer {
	t.Helper()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("needs Debian's prometheus: make deps")
	}
	dir := t.TempDir()
	config := write(t, filepath.Join(dir, "prometheus.yml"), fmt.Appendf(nil, `
scrape_configs:
  - job_name: lsmprof/lsmprof
    scrape_interval: 500ms
    scrape_timeout: 500ms
    honor_labels: true
    authorization: {credentials: %s}
    static_configs:
      - targets: [%q]
        labels: {namespace: lsmprof, pod: lsmprof-x7k2p, container: lsmprof}
`, token, target))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus", append([]string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + address,
	}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("prometheus: %s", text)
		}
	})
	return promServer{t, "http://" + address}
}

// query returns the values of an instant query by the labels of their series, or an error such as a parser's.
func (p promServer) query(expr string) (map[string]float64, error) {
	resp, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s %w", resp.Status, text, err)
	}
	values := map[string]float64{}
	for _, r := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		values[fmt.Sprint(r.Metric)] = v
	}
	return values, nil
}

// answers waits for the first results of a query.
func (p promServer) answers(expr string) (values map[string]float64) {
	p.t.Helper()
	var err error
	eventually(p.t, expr, func() bool {
		values, err = p.query(expr)
		return err == nil && len(values) > 0
	})
	return values
}

// dashboardQueries returns the queries of all panels, with Grafana's variables filled in.
func dashboardQueries(t *testing.T) map[string]string {
	t.Helper()
	text, err := deploy.Files.ReadFile("grafana/lsmprof.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct{ Name, Type string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := []string{"$__rate_interval", "4s"}
	for _, v := range dashboard.Templating.List {
		if v.Type == "query" {
			fill = append(fill, "$"+v.Name, ".*")
		}
	}
	queries := map[string]string{}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer(fill...).Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: a variable is not filled in: %s", p.Title, expr)
			}
			queries[p.Title+" "+target.RefID] = expr
		}
	}
	if len(queries) < 10 {
		t.Fatalf("the dashboard has %d queries", len(queries))
	}
	return queries
}

func TestPrometheusScrapesAndTheDashboardHasData(t *testing.T) {
	token := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	s := startReplay(t, func(c *Config) { c.TokenFile = token })
	p := startPrometheus(t, strings.TrimPrefix(s.url, "http://"), "secret")
	p.answers(`count_over_time(lsmprof_build_info[1m]) >= 4`)

	// What was recorded: four times as many renames by nginx as by postgres, and their namespaces.
	for expr, want := range map[string]float64{
		`up`: 1,
		`sum(lsmprof_calls_total{pod="web-0",hook="path_rename"})
		 / sum(lsmprof_calls_total{pod="db-0",hook="path_rename"})`: 4,
		`count(count by (namespace) (lsmprof_calls_total{pod="web-0"}))`: 1,
		`count(lsmprof_calls_total{namespace="shop",pod="web-0",container="nginx",
		 hook="path_rename",program="ref_path_rename",enforcer="reference"})`: 1,
		`sum(lsmprof_hook_duration_seconds_count{pod="web-0",hook="path_rename"})
		 / sum(lsmprof_calls_total{pod="web-0",hook="path_rename"})`: 1,
		`max(lsmprof_rules{pod="web-0",type="file"})`: 8,
	} {
		for _, got := range p.answers(expr) {
			if got != want {
				t.Errorf("%s: %g, want %g", expr, got, want)
			}
		}
	}
	// The target's labels are not those of workloads that have none.
	if got, err := p.query(`lsmprof_calls_total{pod="lsmprof-x7k2p"}`); err != nil || len(got) > 0 {
		t.Errorf("charged to lsmprof's own pod: %v, %v", got, err)
	}
	for panel, expr := range dashboardQueries(t) {
		values, err := p.query(expr)
		if err != nil || len(values) == 0 {
			t.Errorf("%s: %v, %v of %s", panel, values, err, expr)
		}
		for series, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Errorf("%s: %s is %g: %s", panel, series, v, expr)
			}
		}
	}
}

func TestPrometheusReadsNativeHistograms(t *testing.T) {
	s := startReplay(t, nil)
	p := startPrometheus(t, strings.TrimPrefix(s.url, "http://"), "", "--enable-feature=native-histograms")
	const renames = `lsmprof_hook_duration_seconds{pod="web-0",hook="path_rename"}`
	// The counts of two moments must not be compared: both are of one.
	for _, got := range p.answers(`histogram_count(` + renames + `)
		/ on (pod, hook) lsmprof_calls_total{pod="web-0",hook="path_rename"}`) {
		if got != 1 {
			t.Errorf("%g calls in the histogram for each that is counted, want 1", got)
		}
	}
	want := medianHook(t, "web-0", "path_rename") / 1e9
	for _, got := range p.answers(`histogram_quantile(0.5, ` + renames + `)`) {
		if got < want/1.1 || got > want*1.1 {
			t.Errorf("the median is %g s, want %g within a bucket, which is 9 %%", got, want)
		}
	}
}

// medianHook returns the median hook cost, in ns, of what the replay repeats.
func medianHook(t *testing.T, pod, hook string) float64 {
	t.Helper()
	costs, err := newReplay(t).recorded.Costs()
	if err != nil {
		t.Fatal(err)
	}
	calls, all := map[float64]uint64{}, uint64(0)
	for i := range costs.Rows {
		if c := &costs.Rows[i]; c.Workload.Pod == pod && c.Program.Hook == hook {
			c.EachTimed(func(cost float64, n uint64) { calls[cost] += n; all += n })
		}
	}
	var below uint64
	for _, cost := range slices.Sorted(maps.Keys(calls)) {
		if below += calls[cost]; 2*below >= all {
			return cost
		}
	}
	t.Fatalf("no calls of %s by %s", hook, pod)
	return 0
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("needs Debian's prometheus: make deps")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, deploy.Files); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = filepath.Join(dir, "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", args, err, out)
		}
	}
}

// Every metric that the rules name is one that lsmprof exports.
func TestRulesHaveData(t *testing.T) {
	s := startReplay(t, nil)
	s.get(t, "/metrics")
	_, _, metrics := s.get(t, "/metrics")
	text, err := deploy.Files.ReadFile("prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(^|[^:a-z])((?:lsmprof|process)_[a-z_]+)`).FindAllSubmatch(text, -1)
	if len(names) < 10 {
		t.Fatalf("the rules name %d metrics", len(names))
	}
	for _, name := range names {
		if !strings.Contains(metrics, "\n"+string(name[2])+"{") &&
			!strings.Contains(metrics, "\n"+string(name[2])+" ") {
			t.Errorf("%s is not exported", name[2])
		}
	}
}

func TestGoToolPprof(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	s := startReplay(t, nil)
	for _, query := range []string{"?seconds=1", ""} {
		cmd := exec.Command("go", "tool", "pprof", "-top", "-sample_index=calls",
			s.url+"/debug/pprof/lsm"+query)
		cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "ref_path_rename") ||
			!strings.Contains(string(out), "shop/web-0/nginx") {
			t.Errorf("%q: %v: %s", query, err, out)
		}
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", s.url+"/debug/pprof/lsm?seconds=99999").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the longest profile") {
		t.Errorf("an error of the server is not shown: %s", out)
	}
}
