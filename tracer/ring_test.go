package tracer

import (
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

func TestConstantsOfEvents(t *testing.T) {
	events := TraceOptions{SlowerThan: 1000, Syscalls: []string{"openat", compatOpen(), "read"}, Denied: true}
	o := ringOptions{events: events, bias: 158.4}
	c, err := o.constants(7, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if c[bpf.TraceVarSlowerThan] != uint64(1159) { // the reading includes the bias
		t.Errorf("slower than %v", c[bpf.TraceVarSlowerThan])
	}
	openat, _ := syscallByName("openat")
	if table := c[bpf.TraceVarSyscallsAllowed].([]uint32); !slices.Contains(table, uint32(openat)|syscallGiven) {
		t.Error("openat is not in the table")
	}
	o.events.Syscalls = []string{"opneat"}
	if _, err := o.constants(0, 4096); err == nil || !strings.Contains(err.Error(), "opneat") {
		t.Errorf("%v", err)
	}
}
