package profile

import (
	"testing"
	"time"
)

func TestUnprobedInWords(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		unprobed Unprobed
		want     string
	}{
		{Unprobed{}, ""},
		{Unprobed{1, 0, 340 * ms}, "1 program was attached during the recording: calls in at most 340 ms, " +
			"until it had probes, are not counted"},
		{Unprobed{12, 0, 1234 * ms}, "12 programs were attached during the recording: calls in at most " +
			"1.23 s, until they had probes, are not counted"},
		{Unprobed{12, 1, 500 * ms}, "12 programs were attached during the recording: calls in at most " +
			"500 ms, until they had probes, are not counted, nor those of 1 program that came and " +
			"went meanwhile"},
		{Unprobed{0, 1, 500 * ms}, "1 program came and went before lsmprof could probe it: its calls are not " +
			"counted"},
		{Unprobed{0, 2, 500 * ms}, "2 programs came and went before lsmprof could probe them: their calls " +
			"are not counted"},
	} {
		if got := test.unprobed.String(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.unprobed, got, test.want)
		}
	}
}

// An interval warns only about programs that were attached in it.
func TestUnprobedSince(t *testing.T) {
	earlier := Snapshot{Duration: time.Second, Unprobed: Unprobed{12, 1, time.Second}}
	later := Snapshot{Duration: 2 * time.Second, Unprobed: Unprobed{24, 1, 3 * time.Second}}
	delta, err := later.Since(earlier)
	if want := (Unprobed{12, 0, 2 * time.Second}); err != nil || delta.Unprobed != want {
		t.Errorf("%+v, %v, want %+v", delta.Unprobed, err, want)
	}
	if same, err := later.Since(later); err != nil || same.Unprobed != (Unprobed{}) {
		t.Errorf("nothing happened: %+v, %v", same.Unprobed, err)
	}
}
