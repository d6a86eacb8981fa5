package score

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// directRun is one run in testdata/direct-pgms.txt, which holds runs of UnixBench's programs.
type directRun struct {
	command, stderr string
	exit            int
	wall            time.Duration
}

func directRuns(t *testing.T) []directRun {
	t.Helper()
	f, err := os.Open("testdata/direct-pgms.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var runs []directRun
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			runs = append(runs, directRun{command: command})
			continue
		}
		if len(runs) == 0 {
			continue
		}
		run := &runs[len(runs)-1]
		if text, ok := strings.CutPrefix(line, "stderr: "); ok {
			run.stderr += text + "\n"
		} else if rest, ok := strings.CutPrefix(line, "rc="); ok {
			exit, wall, _ := strings.Cut(rest, " wall=")
			run.exit, _ = strconv.Atoi(exit)
			seconds, _ := strconv.ParseFloat(wall, 64)
			run.wall = time.Duration(seconds * float64(time.Second))
		}
	}
	return runs
}

func TestParseOutputOfRealRuns(t *testing.T) {
	good, bad := 0, 0
	for _, run := range directRuns(t) {
		p, err := ParseOutput(run.stderr, run.wall)
		// Runs that failed, and one that never ended.
		if run.exit != 0 || strings.HasSuffix(run.command, " 0") {
			bad++
			if err == nil {
				t.Errorf("%s: parsed as %+v", run.command, p)
			}
			continue
		}
		good++
		if err != nil {
			t.Errorf("%s: %v", run.command, err)
		}
	}
	if good < 10 || bad < 6 {
		t.Errorf("testdata has %d good and %d bad runs", good, bad)
	}
}

func TestParseOutput(t *testing.T) {
	for _, c := range []struct {
		name, stderr string
		want         Pass
		value        float64
	}{
		{"execl", "COUNT|1489|1|lps\n", Pass{Count: 1489, Timebase: 1, Time: 2, Unit: "lps"}, 744.5},
		{
			"context1: the child's line is the last", "COUNT|284884|1|lps\nCOUNT|284886|1|lps\n",
			Pass{Count: 284886, Timebase: 1, Time: 2, Unit: "lps"},
			142443,
		},
		{"looper: per minute", "COUNT|42|60|lpm\n", Pass{Count: 42, Timebase: 60, Time: 2, Unit: "lpm"}, 1260},
		{
			"fstime: the copy is the last of three",
			"COUNT|211679|0|KBps\nTIME|2.0\nCOUNT|324873|0|KBps\nTIME|2.0\nCOUNT|62751|0|KBps\nTIME|2.5\n",
			Pass{Count: 62751, Time: 2.5, Unit: "KBps"},
			62751,
		},
		{"whetstone", "COUNT|3532.762|0|MWIPS\nTIME|10.213\n", Pass{
			Count: 3532.762, Time: 10.213,
			Unit: "MWIPS",
		}, 3532.762},
	} {
		p, err := ParseOutput(c.stderr, 2*time.Second)
		if err != nil || p != c.want || p.Value() != c.value {
			t.Errorf("%s: %+v, value %v, %v; want %+v, %v", c.name, p, p.Value(), err, c.want, c.value)
		}
	}
}

func TestParseOutputTraps(t *testing.T) {
	for name, stderr := range map[string]string{
		"nothing":         "",
		"no count":        "TIME|2.0\n",
		"count 0":         "COUNT|0|1|lps\n",
		"negative":        "COUNT|-3|1|lps\n",
		"not a number":    "COUNT|NaN|1|lps\n",
		"infinite":        "COUNT|Inf|1|lps\n",
		"a denied grep":   "COUNT|99|60|lpm\ngrep: sort.12: Permission denied\n",
		"before":          "sh: 1: cannot open sort.src\nCOUNT|99|60|lpm\n",
		"an error line":   "ERROR|out of memory\nCOUNT|99|60|lpm\n",
		"last is garbage": "COUNT|5|1|lps\nCOUNT|x|1|lps\n",
		"unknown unit":    "COUNT|5|1|furlongs\n",
		"time 0":          "COUNT|5|1|lps\nTIME|0\n",
		"out of range":    "COUNT|1e308|60|lpm\nTIME|1e-308\n",
	} {
		if p, err := ParseOutput(stderr, 2*time.Second); err == nil {
			t.Errorf("%s: parsed as %+v", name, p)
		}
	}
	if p, err := ParseOutput("COUNT|5|1|lps\n", 0); err == nil {
		t.Errorf("a run of no time: parsed as %+v", p)
	}
}

func FuzzParseOutput(f *testing.F) {
	f.Add("COUNT|1489|1|lps\n")
	f.Add("COUNT|62751|0|KBps\nTIME|2.0\n")
	f.Add("COUNT|0x1p9|1e3|lpm\r\n\nTIME|\n")
	f.Fuzz(func(t *testing.T, stderr string) {
		p, err := ParseOutput(stderr, time.Second)
		if err == nil && !(p.Count > 0 && p.Time > 0 && p.Value() >= 0) {
			t.Errorf("%q gives %+v", stderr, p)
		}
	})
}
