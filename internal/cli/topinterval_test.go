package cli

import (
	"testing"
	"time"
)

func TestTopTakesTheIntervalAsAnArgument(t *testing.T) {
	for arg, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0.5": 500 * time.Millisecond, "2s": 2 * time.Second,
		"0": 0, "-1": 0, "0.01": 0, "x": 0, "NaN": 0, "Inf": 0, "1e9": 0,
	} {
		var o topOptions
		err := o.setInterval([]string{arg})
		if (err != nil) != (want == 0) || err == nil && o.interval != want {
			t.Errorf("%q: %v, %v; want %v", arg, o.interval, err, want)
		}
	}
	if new(topOptions).setInterval([]string{"1", "2"}) == nil {
		t.Error("a second argument is not refused")
	}
}
