package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/otlp"
	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
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

// Each resource says on which machine it runs: the host, and the node that Kubernetes knows.
func TestExportsNameTheNode(t *testing.T) {
	onHost(t)
	t.Setenv("NODE_NAME", "node-7")
	got := make(chan pprofile.Profiles, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, err := otlptest.Decode(r)
		if err != nil {
			t.Error(err)
		}
		got <- p
	}))
	defer receiver.Close()
	o := otlpFlags{otlp.Config{Endpoint: receiver.URL}}
	e, err := o.exporter()
	must(t, err)
	row := profile.Row{Syscall: "openat", Workload: profile.Workload{MntNS: 1, Comm: "sh"}, Rules: 8, Preempted: 1}
	costs, err := profile.Snapshot{
		Duration: 1e9, Rows: []profile.Row{row},
		Programs: []profile.Program{{Name: "p", Hook: "file_open", Enforcer: "varmor", Preempted: 1}},
	}.Costs()
	must(t, err)
	must(t, o.send(t.Context(), e, &costs))
	host, err := os.Hostname()
	must(t, err)
	attributes := (<-got).ResourceProfiles().At(0).Resource().Attributes()
	for name, want := range map[string]string{"k8s.node.name": "node-7", "host.name": host} {
		if value, _ := attributes.Get(name); value.AsString() != want {
			t.Errorf("%s is %q, want %q", name, value.AsString(), want)
		}
	}
}
