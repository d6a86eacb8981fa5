package projection

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/stores.md lists the labels, the levels, and what each store gets.
func TestDocsHaveLabelsAndPresets(t *testing.T) {
	page, err := os.ReadFile("../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	list := func(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
	pyroscope, _ := Preset("pyroscope")
	parca, _ := Preset("parca")
	otel, _ := Preset("otel")
	if !slices.Equal(pyroscope.Labels, parca.Labels) {
		t.Errorf("parca has %v, pyroscope %v; the docs say that they are the same", parca.Labels,
			pyroscope.Labels)
	}
	var more []string
	for _, name := range otel.Labels {
		if !slices.Contains(pyroscope.Labels, name) {
			more = append(more, name)
		}
	}
	if len(more)+len(pyroscope.Labels) != len(otel.Labels) {
		t.Errorf("otel has %v, and not all of pyroscope's %v", otel.Labels, pyroscope.Labels)
	}
	for _, want := range []string{
		"keep only these labels, as strings: " + list(Labels()) + ".",
		"keep only these levels of the stack: " + list(Levels()) + " |",
		fmt.Sprintf("| `pyroscope` | %s | 16,000 samples and %d MiB", list(pyroscope.Labels),
			pyroscope.MaxBytes>>20),
		"| `parca` | the same | 16,000 samples |",
		"| `otel` | these, `" + strings.Join(more[:len(more)-1], "`, `") + "` and `" + more[len(more)-1] +
			"` | 16,000 samples |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/stores.md lacks %q", want)
		}
	}
	for _, store := range Stores() {
		p, _ := Preset(store)
		if p.MaxSamples != 16_000 {
			t.Errorf("%s: at most %d samples, documented are 16,000", store, p.MaxSamples)
		}
		out, _, err := p.Apply(recorded(t, 2, 2))
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range out.Sample {
			var stack string
			for _, l := range sample.Location {
				stack += " " + l.Line[0].Function.Name
			}
			for _, level := range []string{" syscall.", " hook.", " program."} {
				if !strings.Contains(stack, level) {
					t.Errorf("%s: no%s in the stack%s", store, level, stack)
				}
			}
		}
	}
}
