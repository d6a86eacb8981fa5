package cli

import (
	"fmt"
	"testing"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/tracer"
)

// The counters in the kernel count against the container's limit, beside what Go may take.
func TestDaemonSetHasRoomForCounters(t *testing.T) {
	pod, err := deploy.Pod()
	if err != nil {
		t.Fatal(err)
	}
	c := pod.Containers[0]
	var limit, heap int
	if _, err := fmt.Sscanf(c.Resources.Limits.Memory, "%dMi", &limit); err != nil {
		t.Fatalf("memory limit %q: %v", c.Resources.Limits.Memory, err)
	}
	for _, e := range c.Env {
		if e.Name == "GOMEMLIMIT" {
			if _, err := fmt.Sscanf(e.Value, "%dMiB", &heap); err != nil {
				t.Fatalf("GOMEMLIMIT %q: %v", e.Value, err)
			}
		}
	}
	if counters := tracer.DefaultMemory >> 20; heap == 0 || heap+counters+counters/2 > limit {
		t.Errorf("%d MiB of Go and %d MiB of counters, and some to spare, exceed the limit of %d MiB", heap,
			counters, limit)
	}
}
