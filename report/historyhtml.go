package report

import (
	_ "embed"
	"html/template"
	"io"
	"net/http"
)

//go:embed history.html
var historyHTML string

// historyPage is the data of history.html.
type historyPage struct {
	*HistoryReport
	webPage
	Plots []historyFigure
	More  int // series that are not drawn
	Shown []shownTable
}

type historyFigure struct {
	Name string
	Plot template.HTML
}

// WriteHTML writes the report as one HTML file that loads nothing else.
func (r *HistoryReport) WriteHTML(w io.Writer) error { return r.writeHTML(w, nil) }

func (r *HistoryReport) writeHTML(w io.Writer, _ []link) error {
	//nolint:gosec // part of this package
	page := historyPage{HistoryReport: r, webPage: webPage{CSS: template.CSS(pageCSS)}, Shown: r.shown()}
	for i := range r.Series {
		if len(page.Plots) == mostHistoryPlots {
			page.More = len(r.Series) - i
			break
		}
		if plot := historyPlot(r, &r.Series[i]); plot != "" {
			page.Plots = append(page.Plots, historyFigure{r.Series[i].Name, plot})
		}
	}
	return writePage(w, page, historyHTML)
}

// Handler returns a handler for "/", which serves the page of WriteHTML.
func (r *HistoryReport) Handler() (http.Handler, error) {
	site := site{mux: http.NewServeMux()}
	return site.handler(r.writeHTML)
}
