package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/profile"
)

// call asks a service of Pyroscope, in JSON.
func call(t *testing.T, method string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(os.Getenv("LSMPROF_TEST_PYROSCOPE")+"/"+method, "application/json",
		bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", method, resp.Status, text, err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%s: %v in %s", method, err, text)
	}
}

// A running server of Pyroscope takes a profile of a large node by the service that Alloy sends to, and answers with
// what it holds.
func TestPyroscopeServer(t *testing.T) {
	if os.Getenv("LSMPROF_TEST_PYROSCOPE") == "" {
		t.Skip("LSMPROF_TEST_PYROSCOPE names no server")
	}
	costs := node(t)
	p, err := projection.ForStore("pyroscope", costs)
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := p.Write(&sent); err != nil {
		t.Fatal(err)
	}
	hook, want := 0, map[string]float64{} // hook time in ns, by rules
	for i, kind := range p.SampleType {
		if kind.Type == profile.HookTime {
			hook = i
		}
	}
	all := 0.0
	for _, s := range p.Sample {
		want[s.Label["rules"][0]] += float64(s.Value[hook])
		all += float64(s.Value[hook])
	}
	service := fmt.Sprint("lsmprof-", time.Now().UnixNano())
	type label struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	call(t, "push.v1.PusherService/Push", map[string]any{"series": []any{map[string]any{
		"labels":  []label{{"__name__", "lsm"}, {"service_name", service}},
		"samples": []any{map[string]any{"rawProfile": base64.StdEncoding.EncodeToString(sent.Bytes())}},
	}}}, &struct{}{})

	var types struct {
		ProfileTypes []struct{ ID, SampleType string }
	}
	between := func(more map[string]any) map[string]any {
		more["start"] = fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli())
		more["end"] = fmt.Sprint(time.Now().Add(time.Minute).UnixMilli())
		return more
	}
	call(t, "querier.v1.QuerierService/ProfileTypes", between(map[string]any{}), &types)
	id := ""
	for _, kind := range types.ProfileTypes {
		if kind.SampleType == profile.HookTime {
			id = kind.ID
		}
	}
	var answer struct {
		Series []struct {
			Labels []label
			Points []struct{ Value float64 }
		}
	}
	call(t, "querier.v1.QuerierService/SelectSeries", between(map[string]any{
		"profileTypeID": id, "labelSelector": fmt.Sprintf("{service_name=%q}", service),
		"groupBy": []string{"rules"}, "step": 3600,
	}), &answer)
	got, sum := map[string]float64{}, 0.0
	for _, series := range answer.Series {
		for _, l := range series.Labels {
			for _, point := range series.Points {
				got[l.Value] += point.Value
				sum += point.Value
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || sum != all {
		t.Errorf("types %+v; hook time by rules %v, want %v", types, got, want)
	}
	t.Logf("%d samples in %d bytes; %v ns of hooks by rules", len(p.Sample), sent.Len(), got)
}
