package tracer

import (
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

func TestFilterTable(t *testing.T) {
	const size = 8
	for _, c := range []struct {
		name string
		keys []uint32
		err  string
	}{
		{"none", nil, ""},
		{"one", []uint32{5}, ""},
		{"the same twice", []uint32{5, 5}, ""},
		{"two in one place", []uint32{5, 13}, ""},
		{"at the end", []uint32{7, 15}, ""},
		{"three in one place", []uint32{5, 13, 21}, "collides"},
		{"zero", []uint32{0}, "does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := table("key", size, c.keys)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range c.keys {
				if place := 2 * (k % (size / 2)); table[place] != k && table[place+1] != k {
					t.Errorf("%d is not where the probes look: %v", k, table)
				}
			}
		})
	}
}

func TestFilterFollowsContainers(t *testing.T) {
	now := []uint32{9, 3}
	f := Filter{Follow: func() []uint32 { return now }}
	if got := f.namespaces(); !slices.Equal(got, []uint32{3, 9}) {
		t.Errorf("%v", got)
	}
	f.MntNS = []uint32{9, 4}
	if got := f.namespaces(); !slices.Equal(got, []uint32{9}) {
		t.Errorf("with MntNS as well: %v", got)
	}
	if !slices.Equal(now, []uint32{9, 3}) {
		t.Errorf("the caller's slice was changed to %v", now)
	}
	now = nil
	if got := f.namespaces(); len(got) != 0 || f.mode() != bpf.ProbeModeMODE_MNTNS {
		t.Errorf("without a container: %v, mode %v; no call may match", got, f.mode())
	}
}
