package cli

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/tracefmt"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Every one of 100,000 calls is printed or counted as lost, even if nobody reads the output. The calls never wait.
func TestTraceAccountsForEveryCall(t *testing.T) {
	vmtest.Guest(t)
	attachLSM(t, &ebpf.ProgramSpec{
		Name: "counted", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getpgid",
		License: "GPL", Instructions: withBTF("counted"),
	})
	w := startWorkload(t)
	const calls = 100_000
	check := func(t *testing.T, all []traced, calls uint64) traced {
		t.Helper()
		end := all[len(all)-1]
		var printed, byCPU uint64
		for _, line := range all {
			if line.Type == tracefmt.TypeCall {
				printed++
			}
		}
		for _, n := range end.LostByCPU {
			byCPU += n
		}
		t.Logf("%d printed, %d lost, %d missed", printed, end.Lost, end.Missed)
		if printed != end.Invocations || byCPU != end.Lost || end.Damaged > 0 {
			t.Errorf("%d calls printed, but the end of the trace says %+v", printed, end)
		}
		sum := printed + end.Lost
		if sum > calls || sum+end.Missed < calls || end.Missed > 0 && !kernel.Preempts() {
			t.Errorf("%d of %d calls are accounted for, %d missed", sum, calls, end.Missed)
		}
		return end
	}
	pid := fmt.Sprint(w.cmd.Process.Pid)
	for _, n := range []int{calls / 10, calls} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			if n == calls {
				vmtest.OnOneKernel(t)
			}
			l := startTrace(t, nil, "--pid", pid, "--slower-than", "0")
			l.many = true
			w.do("getpgid", n)
			check(t, l.finish(), uint64(n))
		})
	}
	t.Run("without a reader", func(t *testing.T) {
		vmtest.OnOneKernel(t)
		r, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		l := startTrace(t, out, "--pid", pid, "--memory", "1")
		out.Close()
		w.do("getpgid", calls) // ends although nobody reads
		l.cmd.Process.Signal(os.Interrupt)
		all := readTrace(t, bufio.NewScanner(r), true)
		l.finish()
		if end := check(t, all, calls); end.Lost < calls/2 {
			t.Errorf("only %d calls were lost: the trace did not wait for its reader", end.Lost)
		}
		if i := slices.IndexFunc(all, func(line traced) bool { return line.Type == tracefmt.TypeLost }); i < 0 {
			t.Error("no loss was reported while it happened")
		}
	})
}

// Each filter passes exactly the calls that match, of two workloads that do the same.
func TestTraceFilters(t *testing.T) {
	vmtest.Guest(t)
	in, out := startWorkload(t), startWorkload(t)
	confine(t, in)
	const hooks = "--hook=file_open,path_rename,path_link"
	for _, c := range []struct {
		flags      []string
		want       map[string]int // `hook whose`
		everywhere bool
	}{
		{flags: []string{hooks, "--denied"}, want: map[string]int{"file_open in": 3}, everywhere: true},
		{
			flags: []string{hooks, "--syscall", "renameat,linkat"}, everywhere: true,
			want: map[string]int{"path_rename in": 4, "path_rename out": 4, "path_link in": 2},
		},
		{
			flags: []string{"--hook", "path_*", "--mntns", fmt.Sprint(in.mntns)},
			want:  map[string]int{"path_rename in": 4, "path_link in": 2},
		},
		{
			flags: []string{"--program", "ref_path_rename", "--comm", "exe"},
			want:  map[string]int{"path_rename in": 4, "path_rename out": 4},
		},
		{
			flags: []string{hooks, "--pid", fmt.Sprint(out.cmd.Process.Pid), "--slower-than", "1ns"},
			want:  map[string]int{"file_open out": 5, "path_rename out": 4},
		},
		{flags: []string{hooks, "--slower-than", "1h"}, want: map[string]int{}},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			if !c.everywhere {
				vmtest.OnOneKernel(t)
			}
			l := startTrace(t, nil, c.flags...)
			l.empty = len(c.want) == 0
			in.do("denied", 3)
			in.do("rename", 4)
			in.do("link", 2)
			in.do("unlink", 2)
			out.do("openat", 5)
			out.do("rename", 4)
			all := l.finish()
			got := map[string]int{}
			for _, line := range all[:len(all)-1] {
				who := map[uint32]string{in.mntns: "in", out.mntns: "out"}[line.MntNS]
				if line.Type == tracefmt.TypeCall {
					got[line.Hook+" "+who]++
				}
				if who == "" {
					t.Errorf("%+v passed", line)
				}
			}
			missed := int(all[len(all)-1].Missed)
			for key, n := range c.want {
				if got[key] > n || got[key]+missed < n {
					t.Errorf("%s: %d, want %d", key, got[key], n)
				}
				delete(got, key)
			}
			if len(got) > 0 {
				t.Errorf("other calls passed: %v", got)
			}
		})
	}
}

// Every column of calls whose arguments are known.
func TestTraceColumns(t *testing.T) {
	r := vmtest.Guest(t)
	w := startWorkload(t)
	confine(t, w)
	l := startTrace(t, nil, "--args", "--stack", "--pid", fmt.Sprint(w.cmd.Process.Pid))
	before := time.Now()
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", w.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{
		"openat", "denied", "rename", "link", "unlink", "mount", "umount2", "connect", "socket", "execve",
	} {
		w.do(operation, 1)
	}
	all := l.finish()
	preempted := 0
	for _, c := range []struct{ syscall, hook, about, errno string }{
		{"openat", "file_open", dir + "/file", ""},
		{"openat", "file_open", dir + "/secret.key", "EACCES"},
		{"renameat", "path_rename", dir + "/name0", ""},
		{"linkat", "path_link", dir + "/link0", ""},
		{"mount", "sb_mount", dir + "/mnt", ""},
		{"umount2", "sb_umount", dir + "/mnt", ""},
		{"connect", "socket_connect", "127.0.0.1:9", ""},
		{"socket", "socket_create", "family 2, type 2, protocol 0", ""},
		{"execve", "bprm_check_security", dir + "/junk", ""},
	} {
		i := slices.IndexFunc(all, func(l traced) bool { return l.Hook == c.hook && l.About == c.about })
		if i < 0 {
			t.Errorf("no %s about %s", c.hook, c.about)
			continue
		}
		line := all[i]
		verdict := map[bool]string{true: "allowed", false: "denied"}[c.errno == ""]
		if line.Syscall != c.syscall || line.Errno != c.errno || line.Verdict != verdict ||
			line.MntNS != w.mntns || line.PID != w.cmd.Process.Pid || line.Comm != "exe" {
			t.Errorf("%s: %+v", c.hook, line)
		}
		// A preempted call has no time, and so no number of rules.
		if line.BodyNs == nil && kernel.Preempts() {
			preempted++
		} else if line.BodyNs == nil || *line.BodyNs <= 0 || line.Rules == nil || *line.Rules < 8 {
			t.Errorf("%s: %+v", c.hook, line)
		}
		if line.Time.Before(before.Add(-time.Second)) || line.Time.After(time.Now()) {
			t.Errorf("%s at %v; it began at %v", c.hook, line.Time, before)
		}
		if r.AtLeast(5, 18) && line.Program != "ref_"+c.hook {
			t.Errorf("%s: program %s", c.hook, line.Program)
		}
		if !hasFrame(line.Kernel, "security_") || !hasFrame(line.Kernel, "do_syscall_64") ||
			line.Kernel[0].Function != "bpf_lsm_"+c.hook {
			t.Errorf("%s: kernel stack %v", c.hook, line.Kernel)
		}
		if !hasFrame(line.User, "github.com/lsmprof/lsmprof/internal/cli.workloadMain") {
			t.Errorf("%s: user stack %v", c.hook, line.User)
		}
	}
	if preempted > 4 {
		t.Errorf("%d of 9 were preempted", preempted)
	}
	if t.Failed() {
		t.Logf("%+v\n%s", all, l.stderr.String())
	}
}

// The rules change, and the enforcer detaches and attaches again: each call has the number of rules that it ran
// under, or none.
func TestTraceFollows(t *testing.T) {
	vmtest.Guest(t)
	w := startWorkload(t)
	without := links(t)
	e := confine(t, w)
	l := startTrace(t, nil, "--mntns", fmt.Sprint(w.mntns), "--hook", "file_open")
	probed := links(t)
	batch := func(calls int) time.Time {
		settle() // for a reading of the rules before and after
		w.do("openat", calls)
		settle()
		return time.Now()
	}
	first := batch(20)
	if err := e.Confine(w.mntns, reference.Policy{Fillers: enforcer.Rules{File: 2}}); err != nil {
		t.Fatal(err)
	}
	second := batch(30)
	if err := e.Detach(); err != nil {
		t.Fatal(err)
	}
	vmtest.WaitFor(t, "the probes to be detached", func() bool { return links(t) == without })
	w.do("openat", 1000) // without an enforcer
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	vmtest.WaitFor(t, "the probes to be attached again", func() bool { return links(t) == probed })
	batch(40)
	got := map[string]int{}
	all := l.finish()
	for _, line := range all[:len(all)-1] {
		when := "third"
		switch {
		case line.Time.Before(first):
			when = "first"
		case line.Time.Before(second):
			when = "second"
		}
		got[when]++
		want := map[string]int{"first": 9, "second": 2, "third": 2}[when]
		if line.Rules != nil && *line.Rules != want {
			t.Errorf("%s: %d rules, want %d", when, *line.Rules, want)
		}
		if line.Rules != nil {
			got[when+" known"]++
		}
	}
	missed := int(all[len(all)-1].Missed)
	for when, n := range map[string]int{"first": 20, "second": 30, "third": 40} {
		if got[when] > n || got[when]+missed < n || got[when+" known"] == 0 {
			t.Errorf("%s: %d calls, %d of them with rules, want %d", when, got[when], got[when+" known"], n)
		}
	}
}
