package text

import (
	"slices"
	"strings"
	"testing"
)

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 0.4: "0.4 ns", 0.04: "0 ns", -0.04: "0 ns", 7: "7 ns", 9.96: "10 ns", 166.4: "166 ns",
		999.4: "999 ns",
		999.6: "1.00 µs", 1000: "1.00 µs", 1234: "1.23 µs", -1234: "-1.23 µs", 9996: "10.0 µs",
		45600: "45.6 µs",
		99960: "100 µs", 999600: "1.00 ms", 2.1e9: "2.10 s", 7.3e12: "7300 s",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("Duration(%v) = %q, want %q", ns, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000", -100: "-100",
		-1000: "-1,000",
	} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %q, want %q", n, got, want)
		}
	}
	if got, want := Thousands(^uint64(0)), "18,446,744,073,709,551,615"; got != want {
		t.Errorf("Thousands(2^64-1) = %q, want %q", got, want)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0.12345: "0.1235", 12.5: "12.5", 999.4: "999.4", 541203.4: "541,203",
		-4500: "-4,500",
	} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0.00 %", 0.00392: "0.39 %", 0.09999: "10.0 %", 1: "100.0 %", -0.00001: "0.00 %", -0.5: "-50.0 %",
	} {
		if got := Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q", share, got, want)
		}
	}
	if got, want := PercentInterval(0.0224, 0.0197, 0.0251), "2.24 % (1.97 to 2.51)"; got != want {
		t.Errorf("PercentInterval = %q, want %q", got, want)
	}
}

func TestPrintable(t *testing.T) {
	if got, want := Printable("a\x1b[31m\xff\nbücher\u200b"), "a?[31m??bücher?"; got != want {
		t.Errorf("Printable = %q, want %q", got, want)
	}
	if got, want := PrintableLines("a\x1b[2J:\r\n\tb\n"), "a?[2J:?\n    b\n"; got != want {
		t.Errorf("PrintableLines = %q, want %q", got, want)
	}
	if got, want := Clean("a/b\xffcdef", 5, "/"), "a?b?c…"; got != want {
		t.Errorf("Clean = %q, want %q", got, want)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"kube-system/kube-proxy", 10, "kube-s…oxy"},
		{"日本語日本語", 12, "日本語日本語"},
		{"日本語日本語", 7, "日本…語"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
	} {
		got := Shorten(c.s, c.width)
		if got != c.want || Width(got) > c.width {
			t.Errorf("Shorten(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func TestASCII(t *testing.T) {
	if got, want := ASCII("3.84 µs – 5 … bücher"), "3.84 us - 5 ... b?cher"; got != want {
		t.Errorf("ASCII = %q, want %q", got, want)
	}
}

func TestListAndPlural(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, "a": {"a"}, "a and b": {"a", "b"},
		"a, b and c": {"a", "b", "c"},
	} {
		if got := List(names); got != want {
			t.Errorf("List(%q) = %q, want %q", names, got, want)
		}
	}
	if got := Plural(1, "run") + ", " + Plural(1200, "run"); got != "1 run, 1,200 runs" {
		t.Errorf("Plural = %q", got)
	}
}

func TestTableAlignsByColumnsOfTheTerminal(t *testing.T) {
	tab := Table{Header: []string{"<NAME", "CALLS"}}
	tab.Add("bücher", "1,000")
	tab.Add("日本", "7")
	tab.Add("a\x1b[31m", "7")
	if got, want := tab.String(), "NAME    CALLS\nbücher  1,000\n日本        7\na?[31m      7\n"; got != want {
		t.Errorf("got\n%s want\n%s", got, want)
	}
}

func TestTableFit(t *testing.T) {
	tab := Table{Header: []string{"<WORKLOAD", "<HOOK", "CALLS"}}
	tab.Add("shop/web-0123456789/nginx", "file_open", "1,000")
	tab.Add("sh", "bprm_check_security", "1,000,000,000")
	for width, want := range map[int]string{
		0: "WORKLOAD                   HOOK                         CALLS\n" +
			"shop/web-0123456789/nginx  file_open                    1,000\n" +
			"sh                         bprm_check_security  1,000,000,000\n",
		47: "WORKLOAD         HOOK                     CALLS\n" +
			"shop/web-0…ginx  file_open                1,000\n" +
			"sh               bprm_check…rity  1,000,000,000\n",
		10: "WORKLOAD  HOOK              CALLS\n" +
			"shop/…nx  file_…en          1,000\n" +
			"sh        bprm_…ty  1,000,000,000\n",
	} {
		tab.Fit(width)
		if got := tab.String(); got != want {
			t.Errorf("in %d columns: got\n%s want\n%s", width, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	const s = "Record only these processes, whatever they run."
	for width, want := range map[int]string{
		0:  s,
		80: s,
		20: "Record only these\n  processes, whatever\n  they run.",
		3:  "Record\n  only\n  these\n  processes,\n  whatever\n  they\n  run.",
	} {
		if got := Wrap(s, width, "  "); got != want {
			t.Errorf("in %d columns: %q, want %q", width, got, want)
		}
	}
}

func TestRough(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 1.5: "1.5 ns", 7: "7 ns", 9.96: "10 ns", 12.3: "12 ns", 166: "170 ns", 994: "990 ns",
		996:  "1.0 µs",
		1234: "1.2 µs", 9951: "10 µs", 12345: "12 µs", 99501: "100 µs", 166e3: "170 µs", 2.882e6: "2.9 ms",
		65e9: "65 s", -1234: "-1.2 µs",
	} {
		if got := Rough(ns); got != want {
			t.Errorf("%g ns: %q, want %q", ns, got, want)
		}
	}
}

// FuzzNames looks for names that do not come out printable or that are wider than they may be.
func FuzzNames(f *testing.F) {
	for _, s := range []string{
		"", "kube-system/kube-proxy", "日本語日本語", "a\x1b[31m\xff", "e\u0301e\u0301",
		"\u200b\u200b", "\u0332 000",
	} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = max(0, min(width, 1000))
		short := Shorten(s, width)
		if Width(short) > width || Printable(short) != short {
			t.Errorf("Shorten(%q, %d) = %q", s, width, short)
		}
		if clean := Clean(s, width, "/"); len([]rune(clean)) > width+1 || strings.Contains(clean, "/") {
			t.Errorf("Clean(%q, %d) = %q", s, width, clean)
		}
		if words := strings.Fields(s); !slices.Equal(strings.Fields(Wrap(s, width, "  ")), words) {
			t.Errorf("Wrap(%q, %d) loses words", s, width)
		}
	})
}
