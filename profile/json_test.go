package profile

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
)

func TestJSONDocument(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "record.json", b.Bytes())
}

func TestDocumentReadBackIsTheSame(t *testing.T) {
	s := checked(true)
	s.Calibration.Warnings = []Warning{{Kind: WarnCalibration, Text: "rough"}}
	want := costs(t, s).Document()
	var written bytes.Buffer
	if err := s.WriteJSON(&written); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(bytes.NewReader(written.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	want.Calibration.Warnings[0].Kind = "" // documents hold the text alone
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwrote %+v", got, want)
	}
}

func TestReadJSONRefusesOtherDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "EOF",
		"{}":                            `the schema is ""`,
		`{"schema":"lsmprof/check/v1"}`: `want "lsmprof/record/v1"`,
		`{"schema":"lsmprof/record/v1","programs":[{"scope":"kernel"}]}`: "must be program, hook or function",
	} {
		if _, err := ReadJSON(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestEmptySnapshotHasListsNotNulls(t *testing.T) {
	var b bytes.Buffer
	if err := (Snapshot{}).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"rows", "programs", "warnings", "command_line"} {
		if doc[list] == nil {
			t.Errorf("%s is null", list)
		}
	}
	if doc["calibration"] != nil {
		t.Errorf("calibration of a run without one: %v", doc["calibration"])
	}
}
