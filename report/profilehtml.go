package report

import (
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strings"
)

//go:embed profile.html
var profileHTML string

// profilePage is the data of profile.html.
type profilePage struct {
	*ProfileReport
	webPage
	Roots  []string
	Shown  []shownTable
	Errors []string // of flame graphs
}

// shownTable is a table as the page shows it.
type shownTable struct {
	By     string
	Header []string
	Rows   [][]string
	More   int // rows that are left out
}

// WriteHTML writes the report as one HTML file that loads nothing else.
func (r *ProfileReport) WriteHTML(w io.Writer) error { return r.writeHTML(w, nil) }

func (r *ProfileReport) writeHTML(w io.Writer, links []link) error {
	f := r.flameGraphs()
	web, err := newWebPage(links, f)
	if err != nil {
		return err
	}
	page := profilePage{ProfileReport: r, webPage: web, Roots: profileRoots, Errors: f.problems}
	for i := range r.Tables {
		t := &r.Tables[i]
		header, rows := r.cells(t)
		page.Shown = append(page.Shown, shownTable{
			t.By, header, rows[:min(len(rows), mostProfileRows)], max(0, len(rows)-mostProfileRows),
		})
	}
	return writePage(w, page, profileHTML)
}

// profileName is what the page's script calls the profile.
const profileName = "profile"

func (r *ProfileReport) flameGraphs() *flames {
	f := &flames{index: map[string]int{}, Pages: []flame{}, Parts: []string{}}
	if r.now == nil || len(r.now.Sample) == 0 {
		return f
	}
	for _, root := range profileRoots {
		err := f.add(r.now, nil, flame{Scenario: profileName, Root: root})
		if err == nil && r.old != nil {
			err = f.add(r.now, r.old, flame{Scenario: profileName, Base: "older profile", Root: root})
		}
		if err != nil {
			f.problems = append(f.problems, fmt.Sprintf("no flame graph by %s: %v", root, err))
		}
		if f.size > mostFlames {
			f.problems = append(f.problems,
				"flame graphs with other roots are left out to keep the page small; "+
					"`lsmprof report --http localhost:0 FILE` has pprof's viewer")
			break
		}
	}
	return f
}

// Two reports whether the report compares two profiles.
func (r *ProfileReport) Two() bool { return r.old != nil }

// Handler returns a handler for "/", which serves the page of WriteHTML with links to pprof's web UI on the profile, as
// [Report.Handler] does.
func (r *ProfileReport) Handler() (http.Handler, error) {
	site := site{mux: http.NewServeMux()}
	if r.now != nil {
		pages, err := pprofPages(r.now, nil)
		if err != nil {
			return nil, err
		}
		site.add("pprof/0/", "the profile", pages)
	}
	if r.old != nil {
		pages, err := pprofPages(r.now, r.old)
		if err != nil {
			return nil, err
		}
		site.add("pprof/1/", "the difference", pages)
	}
	return site.handler(r.writeHTML)
}

// Title is the heading of the table.
func (t shownTable) Title() string {
	if t.By == byDenied {
		return "Denied calls"
	}
	return "By " + strings.ToLower(t.By)
}

// Note is what the table says about itself.
func (t shownTable) Note() string {
	if t.By == byDenied {
		return "Mean and total are those of all calls in a row: the probes count denied calls and time them " +
			"like any other. lsmprof trace --denied shows the time of each."
	}
	return ""
}
