package otlp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
)

// pretended is a receiver for tests in virtual time.
type pretended struct {
	status     atomic.Int64
	retryAfter string
	asked      []time.Time
	taken      []uint64 // the times of the profiles
}

// RoundTrip implements http.RoundTripper.
func (p *pretended) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked = append(p.asked, time.Now())
	got, err := otlptest.Decode(r)
	if err != nil {
		return nil, err
	}
	status := int(p.status.Load())
	if status == http.StatusOK {
		profiles := got.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles()
		p.taken = append(p.taken, uint64(profiles.At(0).Time()))
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader("")),
		Header: http.Header{"Retry-After": {p.retryAfter}},
	}, nil
}

// pretending runs a test in virtual time, with an exporter that sends to r.
func pretending(t *testing.T, c Config, r *pretended, test func(*testing.T, *Exporter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.Endpoint = "http://collector:4318"
		e, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		e.client = &http.Client{Transport: r}
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { e.Run(ctx) })
		defer done.Wait()
		defer stop()
		test(t, e)
	})
}

// add adds profiles, each with a time of its own.
func add(t *testing.T, e *Exporter, from, to int, every time.Duration) {
	t.Helper()
	p := profileOf(2)
	for i := from; i < to; i++ {
		p.TimeNanos = int64(i)
		if err := e.Add(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(every)
	}
}

func between(from, to int) (all []uint64) {
	for i := from; i < to; i++ {
		all = append(all, uint64(i))
	}
	return all
}

// An hour of a receiver that is down loses nothing, at the default interval. Attempts become rarer, but not rarer than
// one a minute.
func TestAnHourWithoutAReceiver(t *testing.T) {
	r := new(pretended)
	r.status.Store(http.StatusServiceUnavailable)
	pretending(t, Config{}, r, func(t *testing.T, e *Exporter) {
		add(t, e, 0, 240, 15*time.Second)
		synctest.Wait()
		pauses := make([]time.Duration, len(r.asked)-1)
		for i := range pauses {
			pauses[i] = r.asked[i+1].Sub(r.asked[i])
		}
		if pauses[0] < time.Second/2 || pauses[0] > time.Second || slices.Max(pauses) > time.Minute ||
			slices.Min(pauses[10:]) < 30*time.Second {
			t.Errorf("pauses %v; want up to a second, and in the end 30 to 60 s", pauses)
		}
		if s := e.Stats(); s.Waiting != 240 || s.Dropped+s.Sent+s.Refused != 0 {
			t.Errorf("%+v, want 240 that wait", s)
		}
		r.status.Store(http.StatusOK)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := e.Stats(); !slices.Equal(r.taken, between(0, 240)) || s.Sent != 240 || s.Bytes != 0 {
			t.Errorf("%+v, taken %v; want all 240, in order", s, r.taken)
		}
	})
}

func TestReceiverSaysWhen(t *testing.T) {
	r := &pretended{retryAfter: "120"}
	r.status.Store(http.StatusTooManyRequests)
	pretending(t, Config{}, r, func(t *testing.T, e *Exporter) {
		add(t, e, 0, 1, 119*time.Second)
		synctest.Wait()
		r.status.Store(http.StatusOK)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(r.asked) != 2 || r.asked[1].Sub(r.asked[0]) != 2*time.Minute {
			t.Errorf("asked at %v, want again after two minutes", r.asked)
		}
	})
}

func TestTheOldestProfilesAreDropped(t *testing.T) {
	r := new(pretended)
	r.status.Store(http.StatusServiceUnavailable)
	pretending(t, Config{QueueBytes: 20_000}, r, func(t *testing.T, e *Exporter) {
		add(t, e, 0, 100, time.Second)
		synctest.Wait()
		waiting := e.Stats().Waiting
		r.status.Store(http.StatusOK)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(r.taken, between(100-waiting, 100)) || waiting < 10 || waiting == 100 ||
			e.Stats().Dropped != uint64(100-waiting) {
			t.Errorf("%d waited, taken %v, %+v; want the last ones", waiting, r.taken, e.Stats())
		}
	})
}

// The docs say how long the queue suffices for a busy node: 250 containers with as many samples as for=otel allows.
func TestQueueHoldsAnHourOfABusyNode(t *testing.T) {
	p := profileOf(250)
	for i := range p.Sample {
		for n := range 31 {
			s := &pprof.Sample{Location: p.Sample[i].Location, Label: map[string][]string{}}
			for label, values := range p.Sample[i].Label {
				s.Label[label] = values
			}
			s.Label["rules"] = []string{fmt.Sprint(n)}
			s.Value = []int64{int64(1 + i*n%1000), int64(1000 + i*n*7919%100_000)}
			p.Sample = append(p.Sample, s)
		}
	}
	e, err := New(Config{Endpoint: "http://c"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := e.encode(p)
	if err != nil {
		t.Fatal(err)
	}
	const anHour = int(time.Hour / (15 * time.Second))
	t.Logf("%d samples are %d bytes", len(p.Sample), len(body))
	if len(body) < 80_000 || len(body)*anHour > queueBytes {
		t.Errorf("%d samples are %d bytes: an hour of them is %d MiB", len(p.Sample), len(body),
			len(body)*anHour>>20)
	}
}
