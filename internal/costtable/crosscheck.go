package costtable

import (
	"cmp"
	"fmt"
	"io"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// writeCrossCheck prints both passes side by side, if there were two.
func writeCrossCheck(w io.Writer, costs *profile.Costs) error {
	check := costs.Snapshot().CrossCheck
	if check == nil {
		return nil
	}
	fmt.Fprintf(w, "\ncross-check: %v\n", check)
	unit := "CALLS/S"
	if check.Rerun {
		unit = "CALLS"
	}
	t := &text.Table{Header: []string{"<HOOK", "<PROGRAM", unit, "BPF_STATS", "OFF", "BODY", "BPF_STATS", "OFF"}}
	for _, c := range costs.Compare() {
		name := cmp.Or(c.Program.Name, "(all)")
		if !c.Present {
			t.Add(c.Program.Hook, name, number(c.Calls), "detached", "",
				text.Duration(c.Body), "detached", "")
			continue
		}
		t.Add(c.Program.Hook, name, number(c.Calls), number(c.Runs), off(c.Calls, c.Runs, c.CallsPercent),
			text.Duration(c.Body), text.Duration(c.Mean), off(c.Body, c.Mean, c.BodyPercent))
	}
	return t.Print(w)
}

// number formats a whole number, or a rate with three digits.
func number(v float64) string {
	if v == float64(uint64(v)) || v >= 100 {
		return text.Thousands(uint64(v + 0.5))
	}
	return text.Digits(v)
}

// off formats by how much a exceeds b, or nothing if one of them is zero.
func off(a, b, percent float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%+.2f %%", percent)
}
