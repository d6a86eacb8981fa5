package cli

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestRecordSendsItsProfile(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	got := make(chan pprofileotlp.ExportRequest, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := pprofileotlp.NewExportRequest()
		if zip, err := gzip.NewReader(r.Body); err == nil {
			if body, err := io.ReadAll(zip); err == nil && in.UnmarshalProto(body) == nil {
				got <- in
				return
			}
		}
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer receiver.Close()

	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	r := startRecord(t, "--otlp", receiver.URL)
	w.do("openat", 50)
	rows := r.finish()
	var recorded, sent int64
	for _, row := range rows {
		recorded += int64(row.Seen)
	}
	p := (<-got).Profiles()
	for _, one := range p.ResourceProfiles().All() {
		calls := one.ScopeProfiles().At(0).Profiles().At(0)
		for _, sample := range calls.Samples().All() {
			sent += sample.Values().At(0)
		}
	}
	if sent != recorded || sent < 50 {
		t.Errorf("%d calls were sent, %d recorded; want the same, at least 50", sent, recorded)
	}
}
