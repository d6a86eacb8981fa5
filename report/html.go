package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// htmlPage is the data of page.html.
type htmlPage struct {
	*view
	CSS    template.CSS
	JS     template.JS
	Links  []link // further pages, when the report is served
	Flames template.JS
	// FlameScenarios have flame graphs. FlameBase is what differences are relative to; empty: there are none.
	FlameScenarios []string
	FlameBase      string
	Problems       []string // of flame graphs
}

type link struct{ Path, Name string }

// WriteHTML writes the report as one HTML file that loads nothing else.
func (r *Report) WriteHTML(w io.Writer) error { return r.writeHTML(w, nil) }

func (r *Report) writeHTML(w io.Writer, links []link) error {
	//nolint:gosec // part of this package
	p := htmlPage{view: newView(r), CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Links: links}
	f := r.flameGraphs()
	p.Problems = f.problems
	if len(f.Pages) > 0 {
		// json escapes <, > and &: nothing in it can end the script.
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		p.Flames = template.JS(data) //nolint:gosec // JSON
		p.FlameScenarios, p.FlameBase = f.scenarios(), f.base()
	}
	page := pageHTML + insideHTML + forecastHTML + strings.TrimSpace(sideBySideHTML)
	t, err := template.New("page").Funcs(functions()).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
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
