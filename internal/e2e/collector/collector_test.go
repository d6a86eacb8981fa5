// Package collector sends profiles to the OTLP receiver of the OpenTelemetry Collector.
package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/collector/receiver/xreceiver"
	"sigs.k8s.io/yaml"

	"github.com/lsmprof/lsmprof/internal/otlp"
	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/profile"
)

// startReceiver starts the Collector's receiver.
func startReceiver(t *testing.T, address string, sink *consumertest.ProfilesSink) component.Component {
	t.Helper()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	http := config.Protocols.HTTP.GetOrInsertDefault()
	http.ServerConfig.NetAddr.Endpoint = address
	config.Protocols.GRPC = configoptional.None[configgrpc.ServerConfig]()
	r, err := factory.(xreceiver.Factory).CreateProfiles(t.Context(),
		receivertest.NewNopSettings(factory.Type()), config, sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	return r
}

// recorded is what the tests of serve replay: two containers under the reference enforcer.
func recorded(t *testing.T) *pprof.Profile {
	t.Helper()
	text, err := os.ReadFile("../../serve/testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var s profile.Snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	p, err := costs.Profile()
	if err != nil {
		t.Fatal(err)
	}
	shape, _ := projection.Preset("otel")
	if p, _, err = shape.Apply(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheCollectorReceivesWhatWasRecorded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()

	p := recorded(t)
	want := map[string]int64{}
	for _, s := range p.Sample {
		for i, v := range s.Value {
			want[p.SampleType[i].Type] += v
		}
	}
	e, err := otlp.New(otlp.Config{
		Endpoint:   "http://" + address,
		Attributes: map[string]string{"host.name": "node-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx) })
	defer running.Wait()
	defer stop()

	// The receiver is down when the first profiles come.
	const profiles = 5
	for range profiles {
		if err := e.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Minute); e.Stats().Retries == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no attempt failed, although nothing receives")
		}
	}
	sink := new(consumertest.ProfilesSink)
	r := startReceiver(t, address, sink)
	defer r.Shutdown(context.WithoutCancel(t.Context()))
	for deadline := time.Now().Add(5 * time.Minute); e.Stats().Sent < profiles; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v after 5 minutes, want %d sent", e.Stats(), profiles)
		}
	}
	for name, n := range want {
		if want[name] = n * profiles; n == 0 { // samples without a value are not sent
			delete(want, name)
		}
	}
	if got := otlptest.Sums(sink.AllProfiles()...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("received %v, want %v", got, want)
	}
	pods := map[string]bool{}
	for _, r := range sink.AllProfiles()[0].ResourceProfiles().All() {
		a := r.Resource().Attributes()
		if host, ok := a.Get("host.name"); !ok || host.AsString() != "node-1" {
			t.Errorf("%v: want the host node-1", a.AsRaw())
		}
		if pod, ok := a.Get("k8s.pod.name"); ok {
			pods[pod.AsString()] = true
			if name, ok := a.Get("k8s.namespace.name"); !ok || name.AsString() != "shop" {
				t.Errorf("%v: want the namespace shop", a.AsRaw())
			}
		}
	}
	if !pods["web-0"] || !pods["db-0"] {
		t.Errorf("resources of the pods %v, want web-0 and db-0", pods)
	}
}

// The Collector's receiver takes the settings that docs/stores.md has for it, and listens where they say.
func TestTheCollectorReadsTheConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```yaml\nreceivers:\n")
	block, _, _ = strings.Cut(block, "```")
	var all struct {
		Receivers map[string]map[string]any
		Exporters map[string]map[string]any
		Service   struct {
			Pipelines map[string]struct{ Receivers, Exporters []string }
		}
	}
	if err := yaml.Unmarshal([]byte("receivers:\n"+block), &all); err != nil || !found {
		t.Fatal(err)
	}
	p := all.Service.Pipelines["profiles"]
	if fmt.Sprint(p) != "{[otlp] [debug]}" || all.Exporters["debug"] == nil {
		t.Errorf("the pipeline of profiles is %v, exporters are %v", p, all.Exporters)
	}
	config := otlpreceiver.NewFactory().CreateDefaultConfig().(*otlpreceiver.Config)
	if err := confmap.NewFromStringMap(all.Receivers["otlp"]).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	if got := config.Protocols.HTTP.Get().ServerConfig.NetAddr.Endpoint; got != "localhost:4318" ||
		config.Protocols.GRPC.HasValue() {
		t.Errorf("it listens on %q, want localhost:4318 for HTTP alone", got)
	}
}
