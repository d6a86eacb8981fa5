package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteJSON writes report.json.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Table is a table of the report.
type Table struct {
	Name string // of its file, without .csv
	rows [][]string
}

// Write writes the table as CSV with a header. Units are those of report.json: losses are fractions, times are in ns.
func (t Table) Write(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(t.rows); err != nil {
		return err
	}
	return c.Error()
}

func (t *Table) add(values ...any) {
	row := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			row[i] = strconv.FormatFloat(v, 'g', -1, 64)
		case *float64:
			if v != nil {
				row[i] = strconv.FormatFloat(*v, 'g', -1, 64)
			}
		case string:
			row[i] = inert(v)
		default:
			row[i] = fmt.Sprint(v)
		}
	}
	t.rows = append(t.rows, row)
}

// inert prevents a spreadsheet from taking a name for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Tables returns all tables: scores, hooks, rules, rounds and, in a comparison, changes.
func (r *Report) Tables() []Table {
	all := []Table{r.scoreTable(), r.hookTable(), r.ruleTable(), r.roundTable()}
	if r.Comparison != nil {
		all = append(all, r.Comparison.table())
	}
	return all
}

func (r *Report) scoreTable() Table {
	t := Table{Name: "scores"}
	t.add("test", "scenario", "unit", "rounds", "mean", "median", "cv", "percent_of_baseline", "index", "loss",
		"ci_low", "ci_high",
		"loss_of_means", "p", "p_holm", "significant", "detectable", "explained", "left_over")
	for i := range r.Tests {
		for j := range r.Tests[i].Cells {
			c := &r.Tests[i].Cells[j]
			t.add(c.Test, c.Scenario, c.Unit, c.Rounds, c.Score, c.Median, c.CV, c.Percent, c.Index, c.Loss,
				c.CI.Low, c.CI.High,
				c.MeanLoss, c.P, c.Adjusted, c.Significant, c.Detectable, c.Explained, c.LeftOver)
		}
	}
	return t
}

func (r *Report) hookTable() Table {
	t := Table{Name: "hooks"}
	t.add("test", "scenario", "syscall", "hook", "program", "rules", "calls_per_op", "mean_ns", "mean_err_ns",
		"p50_ns", "p99_ns",
		"hook_ns_per_op", "share_of_operation", "denials", "syscall_ns", "share_of_syscall")
	for _, h := range r.Hooks {
		t.add(h.Test, h.Scenario, h.Syscall, h.Hook, h.Program, h.Rules, h.Calls, h.Mean, h.Err, h.P50, h.P99,
			h.HookNs, h.Share,
			h.Denials, h.SyscallNs, h.SyscallShare)
	}
	return t
}

func (r *Report) ruleTable() Table {
	t := Table{Name: "rules"}
	t.add("test", "syscall", "hook", "program", "slope_ns", "slope_ci_low", "slope_ci_high", "intercept_ns", "r2",
		"bent",
		"loss_of_one_more", "ns_at_16_extrapolated", "ns_at_32_extrapolated", "ns_at_64_extrapolated")
	for _, p := range r.PerRule {
		at := map[int]*float64{}
		for i := range p.At {
			at[p.At[i].Rules] = &p.At[i].Ns
		}
		t.add(p.Test, p.Syscall, p.Hook, p.Program, p.Line.Slope, p.Line.SlopeCI.Low, p.Line.SlopeCI.High,
			p.Line.Intercept, p.Line.R2,
			p.Line.Bent, p.Loss, at[16], at[32], at[64])
	}
	return t
}

func (r *Report) roundTable() Table {
	t := Table{Name: "rounds"}
	t.add("test", "scenario", "round", "score", "ops", "ns", "foreign_cpus", "busy")
	if r.run == nil {
		return t
	}
	for i := range r.run.Results {
		x := &r.run.Results[i]
		t.add(x.Test, x.Scenario, x.Round, x.Score, x.Ops, x.Ns, x.Interference.Foreign, x.Interference.Busy)
	}
	return t
}

func (c *Comparison) table() Table {
	t := Table{Name: "changes"}
	t.add("test", "scenario", "old_loss", "new_loss", "delta", "ci_low", "ci_high", "p", "p_holm", "significant",
		"explained_delta",
		"score_ratio")
	for _, d := range c.Deltas {
		t.add(d.Test, d.Scenario, d.Old, d.New, d.Delta, d.CI.Low, d.CI.High, d.P, d.Adjusted, d.Significant,
			d.Explained, d.Score)
	}
	return t
}
