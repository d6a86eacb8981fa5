package kernel

import (
	"slices"
	"testing"
)

func TestCPUList(t *testing.T) {
	for list, want := range map[string][]int{
		"0":         {0},
		"0-3":       {0, 1, 2, 3},
		"0,2-3,7":   {0, 2, 3, 7},
		"":          nil,
		"3-1":       nil,
		"-1":        nil,
		"0-":        nil,
		"0-9999999": nil,
		"a":         nil,
	} {
		got, err := cpuList(list)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %v, %v; want %v", list, got, err, want)
		}
	}
	if online, err := OnlineCPUs(); err != nil || len(online) == 0 {
		t.Errorf("%v, %v; want the CPUs of this machine", online, err)
	}
}
