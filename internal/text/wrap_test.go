package text

import "testing"

func TestWrapProse(t *testing.T) {
	const table = "TEST       SCENARIO      SCORE\nexecl      rules=8      926.7"
	const sentence = "Programs start 2.1 % slower with 8 rules."
	for width, want := range map[int]string{
		0: sentence, 1: sentence, 80: sentence, 20: "Programs start 2.1\n  % slower with 8\n  rules.",
	} {
		if got := WrapProse(sentence+"\n\n"+table+"\n", width); got != want+"\n\n"+table+"\n" {
			t.Errorf("%d columns:\n%s", width, got)
		}
	}
}
