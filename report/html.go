package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

//go:embed page.html
var pageHTML string

// htmlPage is the data of page.html.
type htmlPage struct {
	*view
	webPage
	// FlameScenarios have flame graphs. FlameBase is what differences are relative to; empty: there are none.
	FlameScenarios []string
	FlameBase      string
	Problems       []string // of flame graphs
}

// WriteHTML writes the report as one HTML file that loads nothing else.
func (r *Report) WriteHTML(w io.Writer) error { return r.writeHTML(w, nil) }

func (r *Report) writeHTML(w io.Writer, links []link) error {
	f := r.flameGraphs()
	web, err := newWebPage(links, f)
	if err != nil {
		return err
	}
	p := htmlPage{view: newView(r), webPage: web, Problems: f.problems}
	if len(f.Pages) > 0 {
		p.FlameScenarios, p.FlameBase = f.scenarios(), f.base()
	}
	return writePage(w, p, pageHTML, insideHTML, forecastHTML, sideBySideHTML)
}

func functions() template.FuncMap {
	return template.FuncMap{
		"fixed": fixed, "signed": signed, "interval": intervalText, "nanos": text.Duration,
		"number": text.Number, "indexText": indexText,
		"perOperation": perOperation, "short": short, "printable": text.Printable, "share": fixedIfKnown,
		"points": pointsIfKnown, "took": nanosIfKnown, "quantile": quantileText, "p": pText,
		"lossText": lossText, "maybe": maybe, "detectable": detectableText, "slope": slopeText,
		"nature": (*Test).nature,
		"base":   (*Test).base,
		"facts":  (*How).facts, "rules": rulesText, "at": (*PerRule).at,
		"float":  func(v float64, digits int) string { return minus(fmt.Sprintf("%.*f", digits, v)) },
		"change": (*Delta).changeText, "absurd": (*Cell).absurd, "line": linePlot, "delta": deltaPlot,
		"join": strings.Join, "differing": (*Comparison).differing, "command": commandText,
	}
}

// commandText formats a command line as a shell takes it.
func commandText(args []string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:%@"
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = text.Printable(a)
		if a == "" || strings.Trim(a, plain) != "" {
			out[i] = "'" + strings.ReplaceAll(out[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
