package check

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Report is what `check --json` prints. Schema lsmprof/check/v1: fields are only ever added.
type Report struct {
	Schema    string  `json:"schema"`
	Version   string  `json:"lsmprof_version"`
	Supported bool    `json:"supported"`
	Verdict   Answer  `json:"verdict"`
	Machine   machine `json:"machine"`
	Items     []Item  `json:"items"`
	// Calibration is what --calibration reads; null if it was not measured.
	Calibration *profile.Calibration `json:"calibration"`

	verdict Verdict
}

type machine struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
}

// NewReport judges the facts about a machine for a version of lsmprof.
func NewReport(f *Facts, version string, m profile.Machine) *Report {
	items := f.Judge()
	verdict := Decide(items)
	r := &Report{
		Schema: "lsmprof/check/v1", Version: version, Supported: verdict.Answer == Yes, Verdict: verdict.Answer,
		Machine: machine{Kernel: m.Kernel, Arch: m.Arch, CPU: m.CPU, CPUs: m.CPUs}, Items: items,
		verdict: verdict,
	}
	if f.Calibration.Runs > 0 {
		r.Calibration = &f.Calibration
	}
	return r
}

// WriteJSON writes the report as one indented object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Write prints the verdict, and then the items that a user can do something about: all with verbose, none with quiet.
func (r *Report) Write(w io.Writer, verbose, quiet bool) error {
	color := map[Answer]string{Yes: terminal.Green, No: terminal.Red, Unknown: terminal.Yellow}[r.Verdict]
	if _, err := fmt.Fprintln(w, terminal.Paint(w, color, r.verdict.Text)); err != nil || quiet {
		return err
	}
	items := r.Items
	if !verbose {
		items = troubles(items)
	}
	if len(items) == 0 {
		return nil
	}
	_, err := io.WriteString(w, "\n"+itemText(w, items))
	return err
}

// itemText formats items for w, with each reason once.
func itemText(w io.Writer, items []Item) string {
	names := 0
	for _, i := range items {
		names = max(names, len(i.Name))
	}
	indent := strings.Repeat(" ", names+8)
	wrap := text.Printable
	if terminal.Is(w) {
		width := max(20, terminal.Width(w)-len(indent)-len("-> "))
		wrap = func(s string) string { return text.Wrap(text.Printable(s), width, indent) }
	}
	var b strings.Builder
	byReason := map[string]string{}
	for _, i := range items {
		fmt.Fprintf(&b, "%s  %-*s  %s\n", paint(w, i.State), names, i.Name, text.Printable(i.Value))
		if first := byReason[i.Reason]; first != "" && i.Reason != "" {
			fmt.Fprintf(&b, "%sfor the same reason as %s\n", indent, first)
			continue
		}
		byReason[i.Reason] = i.Name
		if i.Reason != "" {
			fmt.Fprintf(&b, "%s%s\n", indent, wrap(i.Reason))
		}
		if i.Remedy != "" {
			fmt.Fprintf(&b, "%s-> %s\n", indent, wrap(i.Remedy))
		}
	}
	return b.String()
}

// troubles returns the items that a user can do something about.
func troubles(items []Item) (all []Item) {
	for _, i := range items {
		if i.State != OK && i.Value != NotTried {
			all = append(all, i)
		}
	}
	return all
}

func paint(w io.Writer, s State) string {
	color := map[State]string{OK: terminal.Green, Warn: terminal.Yellow, Fail: terminal.Red}[s]
	return terminal.Paint(w, color, fmt.Sprintf("%-4s", s))
}
