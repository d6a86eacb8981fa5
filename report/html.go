package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// htmlPage is what page.html is filled with.
type htmlPage struct {
	*Report
	CSS       template.CSS
	JS        template.JS
	Flames    template.JS
	HasFlames bool
}

// WriteHTML writes the report as one file that needs no other.
func (r *Report) WriteHTML(w io.Writer) error {
	p := htmlPage{Report: r, CSS: template.CSS(pageCSS), JS: template.JS(pageJS)} //nolint:gosec // ours
	if r.flames != nil && len(r.flames.Pages) > 0 {
		// json escapes <, > and &: nothing in it can end the script.
		data, err := json.Marshal(r.flames)
		if err != nil {
			return err
		}
		p.Flames, p.HasFlames = template.JS(data), true //nolint:gosec // JSON
	}
	t, err := template.New("page").Funcs(r.functions()).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

func (r *Report) functions() template.FuncMap {
	return template.FuncMap{
		"percent": percent, "fixed": fixed, "plus": plus, "interval": fixedInterval, "nanos": nanos, "number": number, "per": per, "short": short,
		"printable": printable,
		"share":     fixedIfKnown, "took": nanosIfKnown,
		"p": func(v float64) string {
			if v < 0.001 {
				return "<0.001"
			}
			return fmt.Sprintf("%.3f", v)
		},
		"float":   func(v float64, digits int) string { return trimZero(fmt.Sprintf("%.*f", digits, v)) },
		"loss":    r.lossPlot,
		"explain": r.explainedPlot,
		"line":    linePlot,
		"delta":   deltaPlot,
		"join":    strings.Join,
		"command": command,
	}
}

// command is a command line as a shell takes it.
func command(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = printable(a)
		if a == "" || strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:%@") != "" {
			out[i] = "'" + strings.ReplaceAll(out[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
