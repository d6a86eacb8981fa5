package report

import (
	"io"
	"os"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

func BenchmarkLargeRun(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, largeRun(b)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		run, err := rundir.Read(os.DirFS(dir))
		if err != nil {
			b.Fatal(err)
		}
		r := New(run)
		r.AddFlameGraphs(run, nil)
		if err := r.WriteHTML(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
