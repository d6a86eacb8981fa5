package tracer

import (
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

func TestMasksArePatchedIntoExitProgram(t *testing.T) {
	spec, err := bpf.LoadProbe()
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{spec: spec, counters: 16, cpus: 4}
	pair := withPrograms(spec, map[string]string{
		"enter": bpf.ProbeProgProbeEnterInline, "exit": bpf.ProbeProgProbeExitInline,
	})
	if err := l.placeInlineCounters(pair); err != nil {
		t.Fatal(err)
	}
	masks := map[int64]int{}
	for _, i := range pair.Programs["exit"].Instructions {
		masks[i.Constant]++
	}
	if masks[15] == 0 || masks[63] == 0 {
		t.Errorf("masks 15 and 63 are in %d and %d instructions, want some", masks[15], masks[63])
	}
	if n := masks[int64(bpf.ProbePatchedImmediateLAST_COUNTER)]; n > 0 {
		t.Errorf("%d instructions are not patched", n)
	}
	plain := withPrograms(spec, map[string]string{"exit": bpf.ProbeProgProbeExit})
	if err := l.placeInlineCounters(plain); err == nil {
		t.Error("an exit program without anything to patch is accepted")
	}
}
