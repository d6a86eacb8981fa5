package accuracy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// measured reads a file of testdata/measured, which `make measuring` writes.
func measured[T any](t *testing.T, name string) (doc T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "measured", name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%v: make measuring writes it", err)
	}
	if err == nil {
		err = json.Unmarshal(content, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// added returns what each method adds to each operation, rounded.
func (d overheadDocument) added() map[string]int {
	all := map[string]int{}
	for _, f := range d.Figures {
		all[f.Operation+" "+f.Method] = int(math.Round(f.Added))
	}
	return all
}

// The tables of the docs show what was measured last, which is also what the tests hold. With -update they are written
// anew.
func TestDocsShowWhatWasMeasured(t *testing.T) {
	if os.Getenv("LSMPROF_GUEST") != "" {
		t.Skip("the docs are not in the guest")
	}
	for _, c := range []struct {
		page, table string
		lines       []string
	}{
		{"measuring.md", "overhead", overheadTable(t, "getpgid", true)},
		{"measuring.md", "accuracy", accuracyTable(t)},
		{"measuring.md", "nodes", nodesTable(t)},
		{"internals/overhead.md", "overhead of an open", overheadTable(t, "open+close", false)},
	} {
		golden.Section(t, filepath.Join("../../docs", c.page), c.table, c.lines)
	}
}

// Sentences that name a figure name the one that was measured.
func TestDocsNameWhatWasMeasured(t *testing.T) {
	if os.Getenv("LSMPROF_GUEST") != "" {
		t.Skip("the docs are not in the guest")
	}
	added := map[string]map[string]int{}
	worst := map[string]float64{} // of the errors, by kernel, in percent
	for _, k := range measuredKernels {
		added[k] = measured[overheadDocument](t, "overhead."+k).added()
	}
	for _, k := range measuredKernels[:2] {
		for _, r := range measured[accuracyDocument](t, "accuracy."+k).Results {
			worst[k] = max(worst[k], 100*math.Abs(r.Error()))
		}
	}
	of := func(kernel, method string) int { return added[kernel]["getpgid "+method] }
	var plain []int
	for _, k := range measuredKernels[:3] {
		plain = append(plain, of(k, Lsmprof), of(k, LsmprofPreempt))
	}
	arm := []int{
		of("6.12-arm64", Lsmprof), of("6.12-arm64", LsmprofPreempt), of("newest-arm64", Lsmprof),
		of("newest-arm64", LsmprofPreempt),
	}
	between := func(of []int) string { return fmt.Sprintf("%d to %d", slices.Min(of), slices.Max(of)) }
	for page, sentences := range map[string][]string{
		"README.md": {
			"measuring adds " + between(plain) + " instructions to each hook call",
		},
		"bpf/README.md": {fmt.Sprintf("%d per call on Linux 6.1", of("6.1", Lsmprof))},
		"docs/measuring.md": {
			between(plain) + " instructions", between(arm) + " on arm64",
			fmt.Sprintf("%.1f %% on Linux 6.1 and 6.12", math.Ceil(10*max(worst["6.1"], worst["6.12"]))/10),
		},
		"docs/internals/overhead.md": {
			fmt.Sprintf("Measuring adds %d instructions to a call on arm64 and %d on amd64",
				of("newest-arm64", Lsmprof), of("newest", Lsmprof)),
		},
	} {
		content, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sentences {
			if !strings.Contains(string(content), s) {
				t.Errorf("%s does not say %q", page, s)
			}
		}
	}
}
