package report

import (
	"io"
	"os"
	"testing"
)

func BenchmarkLargeRun(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, largeRun(b)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.WriteHTML(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
