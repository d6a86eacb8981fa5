package cli

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// A model that saw 1, 2 and 4 rules in tests of single calls forecasts workloads of other mixes under 8 to 64 rules:
// within 5 % of the hook cost that is measured then, and within 0.2 points of the loss.
func TestIcountForecast(t *testing.T) {
	if r := vmtest.IcountGuest(t); r.AtLeast(6, 2) {
		t.Skip("one kernel is enough, and from 6.2 on the latency of exec has levels")
	}
	const ofCost, points = 0.05, 0.002
	dir := t.TempDir()
	trained, measured := filepath.Join(dir, "trained"), filepath.Join(dir, "measured")
	runBench(t, 0, "--tests", "openclose,rename,link,execl,connect,socket", "--rules", "1,2,4", "--runs", "1",
		"--slice", "4ms", "--warmup", "1ms", "--seed", "1", "--dir", trained)
	args := []string{"--rules", "1,8,16,32,64", "--runs", "1", "--seed", "2", "--dir", measured}
	for name, script := range map[string]string{
		"files":   operationsScript("openat 120", "rename 40", "link 40", "unlink 40"),
		"exec":    "for i in 1 2 3 4 5 6 7 8; do sh -c :; done\n" + operationsScript("execve 60", "openat 30"),
		"network": operationsScript("connect 120", "socket 120", "openat 20"),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("set -e\n"+script), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--test", fmt.Sprintf("name=%s; run=sh %s", name, path))
	}
	runBench(t, 0, args...)

	run := openRun(t, trained)
	model, err := forecast.FitRun(run, "trained")
	if err != nil {
		t.Fatal(err)
	}
	run = openRun(t, measured)
	for _, test := range []string{"files", "exec", "network"} {
		recorded, ok := forecast.OfCell(run, test, "rules=1")
		if !ok {
			t.Fatalf("%s was not profiled", test)
		}
		for _, s := range run.Info.Plan.Scenarios {
			if s.Rules.File < 8 {
				continue
			}
			f := model.Forecast(&recorded, forecast.Counted(s.Rules))
			truth, _ := forecast.OfCell(run, test, s.Name)
			ns, loss := truth.Hooks(), truth.Share(truth.Hooks())
			t.Logf("%-7s under %-8s: %.0f ns (%.0f to %.0f), measured %.0f, %+.2f %%; loss %.2f %%, "+
				"measured %.2f",
				test, s.Name, f.Then.Ns, f.Then.CI.Low, f.Then.CI.High, ns, 100*(f.Then.Ns/ns-1),
				100*f.Then.Share,
				100*loss)
			if math.Abs(f.Then.Ns-ns) > ofCost*ns || math.Abs(f.Then.Share-loss) > points {
				t.Errorf("%s under %s: want at most 5 %% and 0.2 points", test, s.Name)
			}
			if f.Extrapolated != (s.Rules.File > 16) {
				t.Errorf("%s under %s: extrapolated %v", test, s.Name, f.Extrapolated)
			}
		}
	}
}

// operationsScript returns a shell line that performs operations of the workload, each as "openat 120": name, number.
func operationsScript(operations ...string) string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	script := "{\n"
	for _, o := range operations {
		script += "echo " + o + "\n"
	}
	return script + "} | " + lsmprofEnv + "= " + workloadEnv + "=1 " + self + " >/dev/null\n"
}

func openRun(t *testing.T, dir string) *rundir.Run {
	t.Helper()
	run, err := rundir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}
