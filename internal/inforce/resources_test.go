package inforce

import (
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// resources reads what the enforcers take now.
func resources(t *testing.T, r *Registry) (Reading, Resources) {
	t.Helper()
	reading, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	took, err := r.Resources(reading)
	if err != nil {
		t.Fatal(err)
	}
	return reading, took
}

func TestResources(t *testing.T) {
	kernel := vmtest.Guest(t)
	v, err := lookalike.VArmorLayouts[0].Load()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	r := New(nil)
	defer r.Close()

	reading, before := resources(t, r)
	found, ok := reading.Find("varmor")
	if !ok || before.Enforcers["varmor"] == 0 {
		t.Fatalf("%+v, want varmor with maps", before)
	}
	var most, sum uint64
	for _, p := range found.Programs {
		res := before.Programs[p.ID]
		if len(res.Tag) != 16 {
			t.Errorf("%s: tag %q, want 16 digits", p.Name, res.Tag)
		}
		most, sum = max(most, res.MapBytes), sum+res.MapBytes
	}
	if got := before.Enforcers["varmor"]; got < most || got > sum {
		t.Errorf("all maps take %d bytes, want at least those of one program, %d, and at most %d", got, most,
			sum)
	}
	// The rules of a workload are in maps of their own, inside those of the programs.
	if err := v.Confine(7, lookalike.VArmorEnforce, enforcer.Rules{File: 4}); err != nil {
		t.Fatal(err)
	}
	if _, after := resources(t, r); after.Enforcers["varmor"] <= before.Enforcers["varmor"] {
		t.Errorf("with rules in force %d bytes, without them %d",
			after.Enforcers["varmor"], before.Enforcers["varmor"])
	}

	// Two enforcers share the trampoline of a hook.
	e, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	_, both := resources(t, r)
	want := before.Slots["file_open"] + 1
	if kernel.AtLeast(5, 13) {
		if got := both.Slots["file_open"]; got != want || want < 2 {
			t.Errorf("%d programs on file_open, want %d", got, want)
		}
	} else if len(both.Slots) != 0 {
		t.Errorf("%v, want none: links do not say what they are attached to", both.Slots)
	}
}
