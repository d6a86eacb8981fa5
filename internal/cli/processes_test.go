package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/pods"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestRequireProcesses(t *testing.T) {
	if !kernel.InInitialPIDNamespace() {
		t.Skip("needs the initial pid namespace")
	}
	thread := make(chan int)
	done := make(chan struct{})
	defer close(done)
	go func() {
		// A thread that is not the leader: the test runs on another one, locked or not.
		for unix.Gettid() == os.Getpid() {
		}
		thread <- unix.Gettid()
		<-done
	}()
	self := uint(os.Getpid())
	for pid, want := range map[uint]string{
		self:           "",
		uint(<-thread): fmt.Sprintf("is a thread of process %d: give --pid %d", self, self),
		4_000_000_000:  "no process 4000000000",
	} {
		s := session{pids: []uint{pid}}
		err := s.requireProcesses()
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%d: %v, want %q", pid, err, want)
		}
	}
}

func TestFilterText(t *testing.T) {
	s := session{pids: []uint{1, 22}, comm: "sh", containers: containers{pods.Selection{Pods: []string{"shop/*"}}}}
	if got, want := s.filterText(), "--pid 1,22 --comm sh --pod shop/*"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := new(session).filterText(); got != "" {
		t.Errorf("%q without a filter", got)
	}
}

func TestCensusNames(t *testing.T) {
	e := tracer.Event{Comm: "cat", PID: 7, Workload: profile.Workload{Comm: "sh"}}
	for want, s := range map[string]*session{
		"cat": {comm: "nosuch"}, "cat (pid 7)": {pids: []uint{1}},
		"sh": {mntns: []uint{1}},
	} {
		if got := s.censusName(&e); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}
