package profile

import (
	"bytes"
	"encoding/json"
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
