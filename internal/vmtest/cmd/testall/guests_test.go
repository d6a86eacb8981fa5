package main

import (
	"slices"
	"testing"
)

func TestTestsThatRanOnTheHostAreSettled(t *testing.T) {
	rs := results{all: []result{
		{name: "host", tests: []test{
			{pkg: "p", name: "TestPure", action: "pass"},
			{pkg: "p", name: "TestBroken", action: "fail"},
			{pkg: "p", name: "TestKernel", action: "skip"},
			{pkg: "p", name: "TestHalf", action: "pass", partly: true},
		}},
		{name: "p [6.1]", tests: []test{{pkg: "p", name: "TestGuest", action: "pass"}}},
	}}
	s := rs.settledOnHost()
	for name, want := range map[string]bool{
		"TestPure": true, "TestBroken": true, "TestKernel": false, "TestHalf": false, "TestGuest": false,
		"TestUnknown": false,
	} {
		if got := s.has("p", name); got != want {
			t.Errorf("%s: settled %v, want %v", name, got, want)
		}
	}
}

func TestGuestRuns(t *testing.T) {
	pkgs := []kernelTests{
		{path: "small", tests: []string{"TestOne"}},
		{path: "large", tests: []string{
			"TestA", "TestB", "TestIcountCost", "TestTwoCPUsMeet",
			"TestContainerd",
		}},
	}
	var got []string
	for _, g := range guestRuns(pkgs, []string{"5.10", "6.1"}, []string{"6.1"}) {
		got = append(got, g.path+" "+g.kernel+" "+string(g.pass))
	}
	want := []string{
		"large 5.10 ", "large 6.1 ",
		"small 5.10 ", "large 5.10 2 CPUs", "small 6.1 ", "large 6.1 icount", "large 6.1 2 CPUs",
		"large 6.1 containerd",
	}
	if !slices.Equal(got, want) {
		t.Errorf("guests\n%q, want\n%q", got, want)
	}
}
