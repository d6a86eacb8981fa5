package profile

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Unprobed says which programs of a recording ran without probes for a while: those that were attached after it began.
// Their calls in that time are in no number. The zero value says that there were none.
type Unprobed struct {
	Programs int           // that have probes since
	Gone     int           // that were detached again before they had probes
	Time     time.Duration // from which their calls can be missing, at most
}

// String returns a sentence for readers, "" for the zero value.
func (u Unprobed) String() string {
	plural := func(n int, one, many string) string {
		if n == 1 {
			return one
		}
		return many
	}
	if u.Programs == 0 && u.Gone == 0 {
		return ""
	}
	if u.Programs == 0 {
		return text.Plural(u.Gone, "program") + " came and went before lsmprof could probe " +
			plural(u.Gone, "it: its", "them: their") + " calls are not counted"
	}
	s := text.Plural(u.Programs, "program") + plural(u.Programs, " was", " were") +
		" attached during the recording: calls in at most " + text.Duration(float64(u.Time)) + ", until " +
		plural(u.Programs, "it", "they") + " had probes, are not counted"
	if u.Gone > 0 {
		s += ", nor those of " + text.Plural(u.Gone, "program") + " that came and went meanwhile"
	}
	return s
}

// minus returns what was added to earlier.
func (u Unprobed) minus(earlier Unprobed) Unprobed {
	return Unprobed{u.Programs - earlier.Programs, u.Gone - earlier.Gone, u.Time - earlier.Time}
}
