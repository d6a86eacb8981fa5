package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// ProfileSchema is the version of the JSON of a [ProfileReport].
const ProfileSchema = "lsmprof/profile-report/v1"

// ProfileReport is a report about a profile, or about what changed between two. The zero value is an empty report.
type ProfileReport struct {
	Schema string         `json:"schema"`
	Title  string         `json:"title"`
	Answer []string       `json:"answer"` // sentences
	Tables []ProfileTable `json:"tables"`
	Facts  []string       `json:"facts"` // what the profile says about itself
	Old    []string       `json:"old_facts,omitempty"`

	now, old *pprof.Profile
}

// OpenProfile reads a profile that `lsmprof record` or `lsmprof serve` wrote. The error says what is wrong with it.
func OpenProfile(path string) (*ProfileReport, error) {
	p, err := rundir.OpenProfile(path)
	if err != nil {
		return nil, err
	}
	return NewProfile(p), nil
}

// NewProfile returns a report about a profile that [profile.Costs.Profile] returned. It keeps the profile, which must
// not change.
func NewProfile(p *pprof.Profile) *ProfileReport { return newProfileReport(p, nil) }

// Compare returns a report about what changed since an older profile. Neither report is modified.
func (r *ProfileReport) Compare(older *ProfileReport) *ProfileReport {
	if r.now == nil || older == nil || older.now == nil {
		return &ProfileReport{Schema: ProfileSchema}
	}
	return newProfileReport(r.now, older.now)
}

func newProfileReport(now, old *pprof.Profile) *ProfileReport {
	r := &ProfileReport{
		Schema: ProfileSchema, Tables: tables(now, old), Facts: facts(now), now: now, old: old,
	}
	var names []string
	for _, e := range enforcerCosts(now) {
		names = append(names, map[bool]string{true: "the "}[e.Name == "reference"]+text.Enforcer(e.Name))
	}
	enforcers := cmp.Or(text.List(names), "the hooks")
	r.Title = fmt.Sprintf("What %s cost", enforcers)
	if old == nil {
		r.Answer = []string{headline(now)}
		if s := costtable.Idle(enforcerCosts(now)); s != "" {
			r.Answer = append(r.Answer, strings.ToUpper(s[:1])+s[1:]+".")
		}
		r.Answer = append(r.Answer, r.mostExpensive()...)
		return r
	}
	r.Title, r.Old = "What changed: what "+enforcers+" cost", facts(old)
	r.Answer = []string{changeOf(now, old), "Now: " + headline(now), "Before: " + headline(old)}
	return r
}

// enforcersOf lists the enforcers of a profile.
func enforcersOf(p *pprof.Profile) string {
	var names []string
	for _, e := range enforcerCosts(p) {
		names = append(names, text.Enforcer(e.Name))
	}
	return cmp.Or(text.List(names), "the hooks")
}

// total sums a profile up.
func total(p *pprof.Profile) (c ProfileCost) {
	for _, s := range p.Sample {
		c.add(costOf(p, s))
	}
	c.seconds = seconds(p)
	return c
}

// headline returns the sentence with which record begins.
func headline(p *pprof.Profile) string {
	t := total(p)
	out := "Hooks took " + text.Duration(float64(t.HookNs))
	if t.seconds > 0 {
		out += fmt.Sprintf(" in %s: %s of one CPU, %s calls/s", text.Duration(float64(p.DurationNanos)),
			text.Percent(t.PerSecond()/1e9), text.Thousands(uint64(t.Rate()+0.5)))
	} else {
		out += fmt.Sprintf(" in %s", text.Plural(uint64(t.Calls), "call"))
	}
	about := enforcersOf(p)
	for _, c := range p.Comments {
		if share, ok := strings.CutPrefix(c, "completeness: "); ok {
			share, _, _ = strings.Cut(share, " of ")
			about += "; " + text.Printable(share) + " timed"
		}
	}
	return fmt.Sprintf("%s, %s denied (%s).", out, text.Thousands(uint64(t.Denials)), about)
}

// mostExpensive says where most of the time goes.
func (r *ProfileReport) mostExpensive() []string {
	var parts []string
	t := total(r.now)
	for _, by := range []string{"pod", "workload", "syscall", "hook"} {
		for _, table := range r.Tables {
			if table.By == by && len(table.Rows) > 0 && t.HookNs > 0 &&
				!(by == "workload" && len(parts) > 0) {
				row := &table.Rows[0]
				parts = append(parts, fmt.Sprintf("%s to %s %s",
					text.Percent(float64(row.Now.HookNs)/float64(t.HookNs)), map[string]string{
						"pod": "the pod", "workload": "the workload", "syscall": "the syscall",
						"hook": "the hook",
					}[by], row.Name))
			}
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{"Of the time, " + strings.Replace(parts[0], " to ", " went to ", 1) +
		strings.TrimSuffix(", "+strings.Join(parts[1:], ", "), ", ") + "."}
}

// changeOf says by how much the cost changed, and why.
func changeOf(now, old *pprof.Profile) string {
	row, was := whole(now, old), total(old)
	calls, each := row.ByCalls, row.ByMean
	if row.Now.seconds <= 0 || was.seconds <= 0 {
		return fmt.Sprintf("Hooks took %s, and %s before.", text.Duration(float64(row.Now.HookNs)),
			text.Duration(float64(was.HookNs)))
	}
	return fmt.Sprintf("Hooks took %s of each second, %s of one CPU, and %s before: %s, of which %s by %s calls "+
		"and %s "+
		"by %s calls.", text.Duration(row.Now.PerSecond()), text.Percent(row.Now.PerSecond()/1e9),
		text.Duration(was.PerSecond()), signedDuration(row.Change()), signedDuration(calls),
		moreOr(calls, "more", "fewer"),
		signedDuration(each), moreOr(each, "dearer", "cheaper"))
}

func moreOr(v float64, more, less string) string {
	if v < 0 {
		return less
	}
	return more
}

// signedDuration formats a change of a time.
func signedDuration(ns float64) string {
	switch s := text.Duration(math.Abs(ns)); {
	case math.Abs(ns) < 0.5:
		return "0 ns"
	case ns < 0:
		return "−" + s
	default:
		return "+" + s
	}
}

// facts returns what a profile says about itself.
func facts(p *pprof.Profile) []string {
	out := []string{}
	if p.TimeNanos > 0 {
		out = append(out, "start: "+time.Unix(0, p.TimeNanos).UTC().Format("2 January 2006 15:04:05 UTC"))
	}
	if p.DurationNanos > 0 {
		out = append(out, "duration: "+text.Duration(float64(p.DurationNanos)))
	}
	for _, c := range p.Comments {
		out = append(out, text.Printable(c))
	}
	return out
}

// WriteJSON writes the report as one JSON object.
func (r *ProfileReport) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// mostProfileRows is how many rows of a table a page or a text has. JSON has all.
const mostProfileRows = 30

// WriteText writes the report for a terminal.
func (r *ProfileReport) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Title + "\n\n" + strings.Join(r.Answer, "\n") + "\n")
	for _, t := range r.Tables {
		b.WriteString("\n" + r.textTable(&t).String())
		if more := len(t.Rows) - mostProfileRows; more > 0 {
			fmt.Fprintf(&b, "… and %s\n", text.Plural(more, "more row"))
		}
	}
	b.WriteString("\n")
	for _, f := range r.Facts {
		b.WriteString(f + "\n")
	}
	for _, f := range r.Old {
		b.WriteString("old: " + f + "\n")
	}
	_, err := io.WriteString(w, text.PrintableLines(b.String()))
	return err
}

// cells returns the header of a table and its cells, with - for what does not apply.
func (r *ProfileReport) cells(t *ProfileTable) (header []string, rows [][]string) {
	whole := total(r.now)
	if r.old == nil {
		header = []string{
			strings.Replace(t.By, byDenied, "denied calls", 1), "calls", "denied", "mean",
			"total", "% of hooks",
		}
		for i := range t.Rows {
			c := &t.Rows[i].Now
			rows = append(rows, []string{
				t.Rows[i].Name, text.Thousands(uint64(c.Calls)), text.Thousands(uint64(c.Denials)),
				text.Duration(c.Mean()), text.Duration(float64(c.HookNs)),
				text.Percent(float64(c.HookNs) / max(1, float64(whole.HookNs))),
			})
		}
		return header, rows
	}
	header = []string{
		t.By, "calls/s before", "now", "mean before", "now", "per second before", "now", "change", "by calls",
		"by mean",
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		rows = append(rows, []string{
			row.Name, rateText(row.Old), rateText(&row.Now), meanText(row.Old), meanText(&row.Now),
			text.Duration(row.Old.PerSecond()), text.Duration(row.Now.PerSecond()),
			signedDuration(row.Change()), signedDuration(row.ByCalls), signedDuration(row.ByMean),
		})
	}
	return header, rows
}

func rateText(c *ProfileCost) string { return text.Number(math.Round(c.Rate()*10) / 10) }

func meanText(c *ProfileCost) string {
	if c.Calls == 0 {
		return none
	}
	return text.Duration(c.Mean())
}

func (r *ProfileReport) textTable(t *ProfileTable) *text.Table {
	header, rows := r.cells(t)
	out := &text.Table{}
	for i, h := range header {
		if i == 0 {
			h = "<" + h
		}
		out.Header = append(out.Header, strings.ToUpper(h))
	}
	for _, row := range rows[:min(len(rows), mostProfileRows)] {
		out.Add(row...)
	}
	return out
}

// roots of the flame graphs of a profile.
var profileRoots = []string{profile.LevelWorkload, profile.LevelSyscall, profile.LevelHook, profile.LevelRules}
