package unixbench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// fakeReal makes a directory like that of a built UnixBench, with scripts as programs.
func fakeReal(t *testing.T, programs map[string]string) *Real {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"pgms", "testdir"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"execl", "spawn", "syscall", "pipe", "context1", "fstime", "looper", "multi.sh",
		"dhry2reg", "whetstone-double",
	} {
		script, ok := programs[name]
		if !ok {
			script = "exit 9"
		}
		writeScript(t, filepath.Join(dir, "pgms", name), script)
	}
	writeScript(t, filepath.Join(dir, "Run"), "my $version = \"6.0.0\";")
	r := &Real{Dir: dir}
	if err := r.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func writeScript(t *testing.T, path, script string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRealArguments(t *testing.T) {
	say := `echo "$0 $* in $PWD with $UB_BINDIR $LC_ALL"; echo "COUNT|10|1|lps" >&2`
	r := fakeReal(t, map[string]string{"execl": say, "looper": say, "fstime": say, "whetstone-double": say})
	if r.Version() != "6.0.0" {
		t.Errorf("version %q, want 6.0.0", r.Version())
	}
	pgms := r.Dir + "/pgms"
	for test, want := range map[string]string{
		"execl":            pgms + "/execl 2 in ",
		"shell8":           pgms + "/looper 2 " + pgms + "/multi.sh 8 in ",
		"fsbuffer":         pgms + "/fstime -c -t 2 -d " + r.Dir + "/tmp/lsmprof-* -b 256 -m 500 in ",
		"whetstone-double": pgms + "/whetstone-double  in ",
	} {
		want += r.Dir + "/testdir with " + pgms + " C"
		result, err := r.Run(t.Context(), test, 1500*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", test, err)
			continue
		}
		line, _, _ := strings.Cut(result.Output, "\n")
		before, after, _ := strings.Cut(want, "*")
		if !strings.HasPrefix(line, before) || !strings.HasSuffix(line, after) {
			t.Errorf("%s: ran %s\nwant %s", test, line, want)
		}
	}
	mustBeEmpty(t, filepath.Join(r.Dir, "tmp"))
}

func TestRealTraps(t *testing.T) {
	for name, script := range map[string]string{
		"says nothing":     "true",
		"counts nothing":   "echo 'COUNT|0|1|lps' >&2",
		"complains":        "echo 'grep: denied' >&2; echo 'COUNT|5|1|lps' >&2",
		"fails with count": "echo 'COUNT|5|1|lps' >&2; exit 3",
		"fails":            "exit 9",
		"dies":             "kill -9 $$",
	} {
		r := fakeReal(t, map[string]string{"pipe": script})
		if result, err := r.Run(t.Context(), "pipe", time.Second); err == nil {
			t.Errorf("a program that %s gives %+v", name, result)
		}
	}
	r := fakeReal(t, nil)
	if _, err := r.Run(t.Context(), "openclose", time.Second); err == nil {
		t.Error("Run accepts openclose, which UnixBench lacks")
	}
}

// The whole process group ends, not only the program.
func TestRealCancel(t *testing.T) {
	r := fakeReal(t, map[string]string{"pipe": "trap '' TERM; sleep 1000 & echo $! >pid; wait; wait"})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := r.Run(ctx, "pipe", time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestRealNotBuilt(t *testing.T) {
	if err := (&Real{Dir: t.TempDir()}).Prepare(t.Context()); err == nil {
		t.Error("an empty directory passes for a UnixBench")
	}
	r := fakeReal(t, nil)
	if err := os.Remove(filepath.Join(r.Dir, "pgms/pipe")); err != nil {
		t.Fatal(err)
	}
	if err := r.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "run make there") {
		t.Errorf("%v, want advice to run make", err)
	}
}

// The built-in tests take as long per operation as UnixBench's own. UNIXBENCH_DIR names a built byte-unixbench. The
// test takes ten minutes, or one round in a guest that counts instructions. TestSameHooksAsUnixBench in internal/bench
// says how to bring it there.
func TestEquivalence(t *testing.T) {
	dir := os.Getenv("UNIXBENCH_DIR")
	if dir == "" {
		t.Skip("UNIXBENCH_DIR names no built byte-unixbench")
	}
	cpus, err := kernel.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	pin := cpus[len(cpus)-1:]
	real := &Real{Dir: dir, CPUs: pin}
	if err := real.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	suite := extract(t)
	rounds := 5
	if os.Getenv("LSMPROF_ICOUNT") != "" {
		rounds = 1
	}
	for _, test := range Tests() {
		if !test.Builtin || !test.Real {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			var theirs, ours, ratios []float64
			for range rounds {
				r, err := real.Run(t.Context(), test.Name, time.Second)
				if err != nil {
					t.Fatal(err)
				}
				o, err := suite.Pass(t.Context(), test.Name, time.Second, Options{
					Dir:  t.TempDir(),
					CPUs: pin,
				})
				if err != nil {
					t.Fatal(err)
				}
				theirs, ours = append(theirs, perOperation(test, r)),
					append(ours, perOperation(test, o))
				ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
			}
			ratio := median(ratios)
			t.Logf("UnixBench %.0f ns, built-in %.0f ns per operation, ratio %.3f [%.3f, %.3f]",
				median(theirs), median(ours), ratio, slices.Min(ratios), slices.Max(ratios))
			if ratio < 0.85 || ratio > 1.15 {
				t.Errorf("ratio %.3f, want within 15 %%", ratio)
			}
		})
	}
}

// perOperation returns the CPU time of an operation, which other processes disturb least. For the file copies, whose
// programs also write and read beforehand, it returns the elapsed time. The built-in shell tests run twice more to
// check their results.
func perOperation(t Test, r Result) float64 {
	ns, ops := r.CPU, r.Ops
	if t.Unit == "KBps" {
		ns = r.Elapsed
	}
	if t.Unit == "lpm" && strings.HasSuffix(r.Output, " ns\n") {
		ops += 2
	}
	return float64(ns) / float64(ops)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
