package cli

import (
	"strings"
	"testing"
)

func TestNanos(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 0.4: "0 ns", 7: "7 ns", 166.4: "166 ns", 999.4: "999 ns", 999.6: "1.00 us", 1000: "1.00 us", 1234: "1.23 us",
		9996: "10.0 us", 45600: "45.6 us", 99960: "100 us", 999600: "1.00 ms", 2.1e9: "2.10 s", 7.3e12: "7300 s",
	} {
		if got := nanos(ns); got != want {
			t.Errorf("nanos(%v) = %q, want %q", ns, got, want)
		}
	}
}

func TestCountAndPercent(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for p, want := range map[float64]string{0: "0.00 %", 0.392: "0.39 %", 9.999: "10.0 %", 100: "100.0 %"} {
		if got := percent(p); got != want {
			t.Errorf("percent(%v) = %q, want %q", p, got, want)
		}
	}
}

func TestTableAlignsByRunesAndHidesControlCharacters(t *testing.T) {
	tab := table{header: []string{"<NAME", "CALLS"}}
	tab.add("bücher", "1,000")
	tab.add("a\x1b[31m", "7")
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "NAME    CALLS\nbücher  1,000\na?[31m      7\n"; b.String() != want {
		t.Errorf("got\n%s want\n%s", b.String(), want)
	}
}
