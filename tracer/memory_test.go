package tracer

import "testing"

func TestShareOfMemory(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what                   string
		memory, taken, targets int
		want                   int
	}{
		{"a sixteenth at most", DefaultMemory, 0, 1, 4 * mib},
		{"equal parts", DefaultMemory, 0, 32, 2 * mib},
		{"later programs share what is left", DefaultMemory, 60 * mib, 4, 1 * mib},
		{"which may be nothing", DefaultMemory, 64 * mib, 4, 0},
	} {
		if got := share(c.memory, c.taken, c.targets); got != c.want {
			t.Errorf("%s: %d bytes, %d taken, for %d targets: %d bytes, want %d", c.what, c.memory, c.taken,
				c.targets,
				got, c.want)
		}
	}
}
