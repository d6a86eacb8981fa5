package report

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"strings"
)

//go:embed head.html
var headHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// webPage is what the data of every page begins with.
type webPage struct {
	CSS    template.CSS
	JS     template.JS // "": the page's policy forbids scripts
	Links  []link      // further pages, when the report is served
	Flames template.JS // the flame graphs as JSON; "": none
}

type link struct{ Path, Name string }

// newWebPage returns the parts of a page with scripts. Its flame graphs are f.
func newWebPage(links []link, f *flames) (webPage, error) {
	//nolint:gosec // part of this package
	p := webPage{CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Links: links}
	if len(f.Pages) == 0 {
		return p, nil
	}
	data, err := json.Marshal(f)
	p.Flames = template.JS(data) //nolint:gosec // json escapes <, > and &: nothing in it can end the script
	return p, err
}

// writePage writes the page whose template is the first of parts. The others are templates that it names.
func writePage(w io.Writer, data any, parts ...string) error {
	var source strings.Builder
	for _, part := range append([]string{headHTML}, parts...) {
		source.WriteString(strings.TrimSpace(part))
	}
	t, err := template.New("page").Funcs(functions()).Parse(source.String() + "\n")
	if err != nil {
		return err
	}
	return t.Execute(w, data)
}
