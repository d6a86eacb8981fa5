package profile

import (
	"bytes"
	"encoding/json"
	"testing"
)

// A document that could be read is written and read again without a change.
func FuzzReadJSON(f *testing.F) {
	var whole bytes.Buffer
	if err := checked(true).WriteJSON(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add([]byte(`{"schema":"lsmprof/record/v1","rows":[{"rules":null}],"programs":[{"scope":"hook"}]}`))
	f.Add([]byte(`{"schema":"lsmprof/record/v1","calibration":{"runs":1,"warnings":["w"]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := ReadJSON(bytes.NewReader(text))
		if err != nil {
			return
		}
		first, err := json.Marshal(doc)
		if err != nil {
			t.Fatalf("a document that was read cannot be written: %v", err)
		}
		again, err := ReadJSON(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("a document that was written cannot be read: %v", err)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v: %s, want %s", err, second, first)
		}
	})
}

func FuzzReadCalibration(f *testing.F) {
	f.Add([]byte(`{"schema":"lsmprof/check/v1","calibration":{"runs":9,"scope":"program","bias":{"median_ns":1}}}`))
	f.Add([]byte(`{"schema":"lsmprof/record/v1","calibration":{"runs":1e99}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, _, err := ReadCalibration(bytes.NewReader(text)); err == nil && c.Runs <= 0 {
			t.Errorf("%s: a calibration of %d runs", text, c.Runs)
		}
	})
}
