package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestRecordSendsItsProfile(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	got := make(chan pprofile.Profiles, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := otlptest.Decode(r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got <- p
	}))
	defer receiver.Close()

	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	r := startRecord(t, "--otlp", receiver.URL)
	w.do("openat", 50)
	rows := r.finish()
	var recorded int64
	for _, row := range rows {
		recorded += int64(row.Seen)
	}
	if sent := otlptest.Sums(<-got)["calls"]; sent != recorded || sent < 50 {
		t.Errorf("%d calls were sent, %d recorded; want the same, at least 50", sent, recorded)
	}
}
