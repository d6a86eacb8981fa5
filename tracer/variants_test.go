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
	where := newLayout(1<<20, 4, []int{0, 1, 2, 3})
	pair := withPrograms(spec, map[string]string{
		"enter": bpf.ProbeProgProbeEnterInline, "exit": bpf.ProbeProgProbeExitInline,
	})
	if err := placeInlineCounters(pair, where); err != nil {
		t.Fatal(err)
	}
	masks := map[int64]int{}
	for _, i := range pair.Programs["exit"].Instructions {
		masks[i.Constant]++
	}
	front, all := int64(where.front-1), int64(where.counters()-1)
	if masks[front] == 0 || masks[all] == 0 {
		t.Errorf("masks %d and %d are in %d and %d instructions, want some", front, all, masks[front],
			masks[all])
	}
	if n := masks[int64(bpf.ProbePatchedImmediateLAST_COUNTER)]; n > 0 {
		t.Errorf("%d instructions are not patched", n)
	}
	plain := withPrograms(spec, map[string]string{"exit": bpf.ProbeProgProbeExit})
	if err := placeInlineCounters(plain, where); err == nil {
		t.Error("an exit program without anything to patch is accepted")
	}
}
