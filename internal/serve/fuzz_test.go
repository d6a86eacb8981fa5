package serve

import (
	"testing"
	"time"
)

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"", "0", "30", "0.5", "-1", "1e300", "NaN", "Inf", "0x1p3", "30s", " 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const limit = 5 * time.Minute
		if d, err := duration(text, limit); err == nil && (d < 0 || d > limit) || err != nil && d != 0 {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	})
}
