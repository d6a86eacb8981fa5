package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// liveServe is a running `lsmprof serve`.
type liveServe struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	token  string // "" if it asks for none
	stderr bytes.Buffer
}

func startServe(t *testing.T, args ...string) *liveServe {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	s := &liveServe{
		t:   t,
		cmd: lsmprof(append([]string{"serve", "--listen", "127.0.0.1:0", "--ready-file", ready}, args...)...),
	}
	s.start(ready)
	return s
}

func (s *liveServe) start(ready string) {
	s.t.Helper()
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("serve: %s", s.stderr.String())
		}
	})
	waitForFile(s.t, ready)
	address, err := os.ReadFile(ready)
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + strings.TrimSpace(string(address))
}

// asked is a request for a profile that is in progress.
type asked struct {
	leave context.CancelFunc
	got   chan error
	p     *pprof.Profile
}

func (s *liveServe) ask(seconds string) *asked {
	ctx, leave := context.WithCancel(s.t.Context())
	a := &asked{leave: leave, got: make(chan error, 1)}
	go func() {
		var err error
		a.p, err = s.profile(ctx, seconds)
		a.got <- err
	}()
	return a
}

func (s *liveServe) profile(ctx context.Context, seconds string) (*pprof.Profile, error) {
	body, err := s.get(ctx, "/debug/pprof/lsm?seconds="+seconds)
	if err != nil {
		return nil, err
	}
	return pprof.ParseData(body)
}

func (s *liveServe) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return body, err
}

// metrics returns the values of a metric, by the values of the given labels.
func (s *liveServe) metrics(name string, labels ...string) map[string]float64 {
	s.t.Helper()
	body, err := s.get(s.t.Context(), "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	sums := map[string]float64{}
	for _, m := range families[name].GetMetric() {
		var key []string
		for _, want := range labels {
			i := slices.IndexFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == want })
			if i >= 0 {
				key = append(key, m.Label[i].GetValue())
			}
		}
		sums[strings.Join(key, " ")] += m.GetCounter().GetValue() + m.GetGauge().GetValue() +
			float64(m.GetHistogram().GetSampleCount())
	}
	return sums
}

func (s *liveServe) measuring(clients int) {
	s.t.Helper()
	vmtest.WaitFor(s.t, fmt.Sprint(clients, " clients to measure"), func() bool {
		return s.metrics("lsmprof_measuring_clients")[""] == float64(clients)
	})
}

// counted returns the calls in a profile, by syscall, hook and rules.
func counted(p *pprof.Profile) map[string]int64 {
	calls := map[string]int64{}
	for _, s := range p.Sample {
		key := fmt.Sprintf("%s %s %d", s.Label["syscall"][0], s.Label["hook"][0], s.NumLabel["rules"])
		calls[key] += s.Value[0]
	}
	return calls
}

// programs returns how many programs are in the kernel that were not there before.
func programs(t *testing.T, before []string) (n int) {
	for _, id := range vmtest.KernelIDs(t) {
		if strings.HasPrefix(id, "program ") && !slices.Contains(before, id) {
			n++
		}
	}
	return n
}

func TestServe(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8, Net: 2}})
	before := vmtest.KernelIDs(t)
	s := startServe(t, "--calibrate=off", "--linger=0", "--max-duration=10m", "--mntns", fmt.Sprint(w.mntns))
	if n := programs(t, before); n != 0 {
		t.Fatalf("%d programs are loaded before a client measures", n)
	}
	const opens, renames = 500, 100
	want := map[string]int64{"openat file_open [8]": opens, "renameat path_rename [8]": renames}

	var rounds int64 // of the workload; the third client measures all of them
	t.Run("clients share probes, and each gets exact counts", func(t *testing.T) {
		third := s.ask("600")
		s.measuring(1)
		alone := programs(t, before)
		// On a busy machine the clients may be done before the workload is. Then they try again, for longer.
		for seconds := 5; ; seconds *= 2 {
			first, second := s.ask(fmt.Sprint(seconds)), s.ask(fmt.Sprint(seconds))
			over := func() bool { return len(first.got)+len(second.got) > 0 }
			vmtest.WaitFor(t, "three clients",
				func() bool { return over() || s.metrics("lsmprof_measuring_clients")[""] == 3 })
			if n := programs(t, before); n != alone || n == 0 {
				t.Errorf("%d programs for three clients, %d for one", n, alone)
			}
			w.do("openat", opens)
			w.do("rename", renames)
			rounds++
			late := over()
			if err := errors.Join(<-first.got, <-second.got); err != nil {
				t.Fatal(err)
			}
			if late && seconds < 100 {
				continue
			}
			for i, a := range []*asked{first, second} {
				calls := counted(a.p)
				for what, n := range want {
					if calls[what] != n {
						t.Errorf("client %d: %s: %d calls, want %d; all: %v",
							i, what, calls[what], n, calls)
					}
				}
			}
			break
		}
		third.leave()
		<-third.got
		vmtest.NothingNew(t, before)
	})
	t.Run("totals", func(t *testing.T) {
		p, err := s.profile(t.Context(), "0")
		if err != nil {
			t.Fatal(err)
		}
		calls := counted(p)
		for what, n := range want {
			if calls[what] != n*rounds {
				t.Errorf("cumulative: %s: %d calls, want %d; all: %v",
					what, calls[what], n*rounds, calls)
			}
		}
		measured := float64(renames * rounds)
		// A kernel that preempts its own code may preempt some of the calls: they are counted, but not timed.
		outcomes := s.metrics("lsmprof_invocations_total", "hook", "outcome")
		timed, preempted := outcomes["path_rename timed"], outcomes["path_rename preempted"]
		if timed+preempted != measured || timed < measured/2 {
			t.Errorf("%g calls are timed and %g preempted, want %g", timed, preempted, measured)
		}
		completeness := s.metrics("lsmprof_completeness_ratio")[""]
		if complete := timed == measured; complete != (completeness == 1) || completeness < 0.5 {
			t.Errorf("completeness is %g, with %g of %g calls timed", completeness, timed, measured)
		}
		for _, m := range []struct {
			name   string
			labels []string
			key    string
			want   float64
		}{
			{"lsmprof_calls_total", []string{"enforcer", "hook"}, "reference path_rename", measured},
			{"lsmprof_hook_duration_seconds", []string{"hook"}, "path_rename", timed},
			{"lsmprof_syscall_calls_total", []string{"syscall"}, "renameat", measured},
			{"lsmprof_rules_calls_total", []string{"hook", "rules"}, "path_rename 8", measured},
			{"lsmprof_rules", []string{"enforcer", "type"}, "reference file", 8},
			{"lsmprof_rules", []string{"enforcer", "type"}, "reference net", 2},
			{"lsmprof_probes_attached", nil, "", 0},
			{"lsmprof_trampoline_programs", []string{"hook"}, "path_rename", 1},
			{"lsmprof_trampoline_programs_left", []string{"hook"}, "path_rename", 37},
			{"lsmprof_program_info", []string{"enforcer", "hook"}, "reference path_rename", 1},
			{"lsmprof_series_overflow_total", []string{"table"}, "calls", 0},
		} {
			all := s.metrics(m.name, m.labels...)
			if got, ok := all[m.key]; !ok || got != m.want {
				t.Errorf("%s: %v, want %g of %q", m.name, all, m.want, m.key)
			}
		}
		enforcers, programs := s.metrics("lsmprof_enforcer_map_bytes", "enforcer")["reference"],
			s.metrics("lsmprof_program_map_bytes", "hook")["path_rename"]
		if programs <= 0 || enforcers < programs {
			t.Errorf("maps of the enforcer: %g bytes, of its program: %g", enforcers, programs)
		}
	})
	t.Run("SIGTERM answers with what was measured", func(t *testing.T) {
		a := s.ask("600")
		s.measuring(1)
		w.do("rename", 50)
		if err := errors.Join(s.cmd.Process.Signal(unix.SIGTERM), <-a.got, s.cmd.Wait()); err != nil {
			t.Fatal(err)
		}
		if calls := counted(a.p); calls["renameat path_rename [8]"] != 50 {
			t.Errorf("%v, want 50 calls of rename", calls)
		}
		vmtest.NothingNew(t, before)
	})
	t.Run("SIGKILL leaves nothing", func(t *testing.T) {
		s := startServe(t, "--calibrate=off", "--always")
		vmtest.WaitFor(t, "probes", func() bool { return s.metrics("lsmprof_probes_attached")[""] == 1 })
		// A busy guest uses a few of the counters, but not half of them.
		used := s.metrics("lsmprof_cells_used", "hook")["file_open"]
		all := s.metrics("lsmprof_cells", "hook")["file_open"]
		if all == 0 || used > all/2 {
			t.Errorf("%g of %g counters are in use, want at most half", used, all)
		}
		if programs(t, before) == 0 {
			t.Error("no probes are attached with --always")
		}
		s.cmd.Process.Kill()
		s.cmd.Wait()
		vmtest.NothingNew(t, before)
	})
}

// A scrape keeps the probes attached for --linger.
func TestServeScrapesKeepProbes(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	startReference(t, map[uint32]enforcer.Rules{})
	before := vmtest.KernelIDs(t)
	s := startServe(t, "--calibrate=off", "--linger=2s", "--program", "ref_file_open")
	if got := s.metrics("lsmprof_probes_attached"); got[""] != 1 {
		t.Errorf("after a scrape: %v", got)
	}
	vmtest.NothingNew(t, before)
}
