package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
)

// HeatScenario returns the scenario whose hooks are drawn and listed first.
func (v *view) HeatScenario() string { return v.heat.scenario }

// Heat draws the hook costs of that scenario. It returns nothing if no hook was measured.
func (v *view) Heat() template.HTML {
	if len(v.heat.hooks) == 0 {
		return ""
	}
	return heatPlot(v.heat)
}

// mostRows is how many rows of a table a page has. report.json and the CSV have all.
const mostRows = 400

// hookTable is a table of hooks, without the columns that would say the same in every row.
type hookTable struct {
	Others bool // of several scenarios
	Denied bool
	Rows   []HookRow
}

// HeatTable returns the hook rows of HeatScenario.
func (v *view) HeatTable() hookTable {
	return newHookTable(false, v.hookRows(func(s string) bool { return s == v.heat.scenario }))
}

// OtherTable returns the hook rows of the other scenarios.
func (v *view) OtherTable() hookTable {
	return newHookTable(true, v.hookRows(func(s string) bool { return s != v.heat.scenario }))
}

func newHookTable(others bool, rows []HookRow) hookTable {
	return hookTable{others, slices.ContainsFunc(rows, func(h HookRow) bool { return h.Denials > 0 }), rows}
}

// hookRows returns the rows of the wanted scenarios, the most expensive first.
func (v *view) hookRows(want func(scenario string) bool) []HookRow {
	var out []HookRow
	for _, h := range v.Hooks {
		if want(h.Scenario) && h.Calls > 1e-4 { // rarer calls belong to the tests' own bookkeeping
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b HookRow) int { return cmp.Compare(b.share(), a.share()) })
	return out[:min(len(out), mostRows)]
}

func (h *HookRow) share() float64 {
	if h.Share == nil {
		return 0
	}
	return *h.Share
}

// rulesText formats the number of rules in force.
func rulesText(n int) string {
	if n < 0 {
		return "unknown"
	}
	return fmt.Sprint(n)
}
