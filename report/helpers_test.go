package report

import (
	"bytes"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

func open(t testing.TB, s *rundirtest.Run) *Report {
	t.Helper()
	r, err := OpenFS(s.Files(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// formats returns the report in all formats, by the name or the extension of the file.
func formats(t testing.TB, r *Report) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"html": func(b *bytes.Buffer) error { return r.WriteHTML(b) },
		"md":   func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
		"json": func(b *bytes.Buffer) error { return r.WriteJSON(b) },
		"txt":  func(b *bytes.Buffer) error { return r.WriteText(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	for _, table := range r.Tables() {
		var b bytes.Buffer
		if err := table.Write(&b); err != nil {
			t.Errorf("%s.csv: %v", table.Name, err)
		}
		out[table.Name+".csv"] = b.String()
	}
	return out
}
