package forecast

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/profile"
)

// recording returns a snapshot of 100 opens under 4 rules, of which 10 were denied, and of one under unknown rules.
func recording() profile.Snapshot {
	w := profile.Workload{MntNS: 7, Comm: "web"}
	known := profile.Row{Syscall: "openat", Workload: w, Rules: 4, Denials: 10}
	for range 100 {
		known.Readings.Add(3600)
		known.Sum += 3600
	}
	unknown := profile.Row{Syscall: "openat", Workload: w, Rules: profile.RulesUnknown}
	unknown.Readings.Add(3600)
	unknown.Sum = 3600
	return profile.Snapshot{
		Duration: time.Second,
		Machine:  profile.Machine{Kernel: "6.1.0", Arch: "amd64", CPU: "CPU x 3000", CPUs: 4},
		Programs: []profile.Program{{
			ID: 1, Name: open.program, Hook: open.hook, Enforcer: "reference",
			Timed: 101,
		}},
		Rows: []profile.Row{known, unknown},
	}
}

// The profile and the document of a recording have the same calls.
func TestReadRecording(t *testing.T) {
	var document, pprofile bytes.Buffer
	if err := recording().WriteJSON(&document); err != nil {
		t.Fatal(err)
	}
	if err := recording().Write(&pprofile); err != nil {
		t.Fatal(err)
	}
	model := fitted(t, exact(open, 0, 1, 2, 4))
	for name, data := range map[string][]byte{"JSON": document.Bytes(), "pprof": pprofile.Bytes()} {
		doc, err := ReadRecording(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := recording().Machine; doc.Machine != want {
			t.Errorf("%s: machine %+v, want %+v", name, doc.Machine, want)
		}
		all := OfRecording(doc)
		if len(all) != 1 || all[0].Name != "web" || all[0].Time != 1e9 || len(all[0].Rows) != 2 {
			t.Errorf("%s: %+v", name, all)
			continue
		}
		f := model.Forecast(&all[0], Rules{rules.File: 8})
		// 200 ns for each of 4 rules more; denied calls walk half of them, and the unknown call stays as it is.
		if want := 101*3600 + 90*800 + 10*400.0; math.Abs(f.Then.Ns-want) > 1 ||
			math.Abs(f.Unknown-1.0/101) > 1e-6 {
			t.Errorf("%s: %.0f ns, %.4f unknown; want %.0f", name, f.Then.Ns, f.Unknown, want)
		}
	}
}

func TestReadRecordingRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing":      {"", "neither a document nor a profile"},
		"another kind": {`{"schema": "lsmprof/check/v1"}`, "schema"},
		"no duration":  {`{"schema": "lsmprof/record/v1", "rows": [{}]}`, "no duration"},
		"no calls":     {`{"schema": "lsmprof/record/v1", "duration_ns": 1}`, "no calls"},
	} {
		if _, err := ReadRecording([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReadRecording looks for recordings that end in a panic, or in a forecast that is no number.
func FuzzReadRecording(f *testing.F) {
	var document, pprofile bytes.Buffer
	if err := recording().WriteJSON(&document); err != nil {
		f.Fatal(err)
	}
	if err := recording().Write(&pprofile); err != nil {
		f.Fatal(err)
	}
	f.Add(document.Bytes())
	f.Add(pprofile.Bytes())
	f.Add([]byte(`{"schema":"lsmprof/record/v1","duration_ns":1,"rows":[{"calls":1,"mean_ns":-1e300}]}`))
	model, err := fitModel(exact(open, 0, 1, 2, 4))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := ReadRecording(data)
		if err != nil {
			return
		}
		all := OfRecording(doc)
		if m, err := FitWorkloads(all); err == nil {
			model = m
		}
		for i := range all {
			a := model.Forecast(&all[i], Rules{rules.File: 8}).Then
			for _, v := range []float64{a.Ns, a.CI.Low, a.CI.High, a.Share} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("a forecast of %v", a)
				}
			}
		}
	})
}
