package otlp

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	pprof "github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
)

// profileOf has the given number of workloads, with two samples each.
func profileOf(workloads int) *pprof.Profile {
	f := &pprof.Function{ID: 1, Name: "hook.file_open"}
	m := &pprof.Mapping{ID: 1, File: "vArmor"}
	l := &pprof.Location{ID: 1, Mapping: m, Line: []pprof.Line{{Function: f}}}
	p := &pprof.Profile{
		SampleType: []*pprof.ValueType{
			{Type: "calls", Unit: "count"},
			{Type: "hook_time", Unit: "nanoseconds"},
		},
		PeriodType: &pprof.ValueType{Type: "calls", Unit: "count"}, Period: 1, TimeNanos: 5, DurationNanos: 7,
		Function: []*pprof.Function{f}, Mapping: []*pprof.Mapping{m}, Location: []*pprof.Location{l},
	}
	for w := range workloads {
		for i, syscall := range []string{"openat", "execve"} {
			p.Sample = append(p.Sample, &pprof.Sample{
				Location: []*pprof.Location{l}, Value: []int64{int64(1 + i), int64(1000 * (w + 1))},
				Label: map[string][]string{
					"syscall": {syscall}, "pod": {fmt.Sprint("web-", w)}, "namespace": {"shop"},
					"container_id": {fmt.Sprintf("%064d", w)},
					"workload":     {fmt.Sprintf("shop/web-%d/nginx", w)},
				},
			})
		}
	}
	return p
}

func TestConvert(t *testing.T) {
	out := Convert(profileOf(3), map[string]string{"host.name": "node-1"})
	if n := out.ResourceProfiles().Len(); n != 3 {
		t.Fatalf("%d resources, want one for each container", n)
	}
	if sums := otlptest.Sums(out); sums["calls"] != 9 || sums["hook_time"] != 12_000 {
		t.Errorf("%d calls and %d ns, want 9 and 12,000", sums["calls"], sums["hook_time"])
	}
	r := out.ResourceProfiles().At(1)
	for name, want := range map[string]string{
		"container.id": fmt.Sprintf("%064d", 1), "k8s.pod.name": "web-1", "k8s.namespace.name": "shop",
		"service.name": "shop/web-1/nginx", "host.name": "node-1",
	} {
		if got, _ := r.Resource().Attributes().Get(name); got.AsString() != want {
			t.Errorf("%s is %q, want %q", name, got.AsString(), want)
		}
	}
	profiles := r.ScopeProfiles().At(0).Profiles()
	if profiles.Len() != 2 {
		t.Fatalf("%d profiles, want one for each sample type", profiles.Len())
	}
	one := profiles.At(1)
	if one.Period() != 1 || one.Time() != 5 || one.DurationNano() != 7 || one.ProfileID().IsEmpty() {
		t.Errorf("period %d, time %d, duration %d, id %v", one.Period(), one.Time(), one.DurationNano(),
			one.ProfileID())
	}
	d := out.Dictionary()
	text := func(i int32) string { return d.StringTable().At(int(i)) }
	sample := one.Samples().At(0)
	attributes := map[string]string{}
	for _, i := range sample.AttributeIndices().All() {
		a := d.AttributeTable().At(int(i))
		attributes[text(a.KeyStrindex())] = a.Value().AsString()
	}
	if fmt.Sprint(attributes) != "map[lsmprof.syscall:openat]" {
		t.Errorf("attributes %v", attributes)
	}
	location := d.LocationTable().At(int(d.StackTable().At(int(sample.StackIndex())).LocationIndices().At(0)))
	name := text(d.FunctionTable().At(int(location.Lines().At(0).FunctionIndex())).NameStrindex())
	mapping := text(d.MappingTable().At(int(location.MappingIndex())).FilenameStrindex())
	if name != "hook.file_open" || mapping != "vArmor" {
		t.Errorf("the frame is %q in %q", name, mapping)
	}
	if n := d.StackTable().Len(); n != 2 {
		t.Errorf("%d stacks, want none and the one that all share", n)
	}
}

// An hour of a receiver that is down loses nothing: 240 profiles, one every 15 s.
func TestReceiverThatIsDown(t *testing.T) {
	for status, profiles := range map[int]int{503: 240, 429: 3, 502: 3, 504: 3} {
		r := newReceiver(t)
		r.set(status)
		e := running(t, Config{Endpoint: r.URL})
		for range profiles {
			if err := e.Add(profileOf(10)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "retries", func() bool { return e.Stats().Retries > 2 })
		if s := e.Stats(); s.Waiting != profiles || s.Bytes == 0 || s.Dropped+s.Sent+s.Refused != 0 {
			t.Fatalf("%d: %+v; want %d profiles that wait", status, s, profiles)
		}
		r.set(200)
		eventually(t, "all profiles", func() bool { return e.Stats().Sent == uint64(profiles) })
		if s := e.Stats(); s.Waiting != 0 || s.Bytes != 0 || s.Dropped+s.Refused != 0 || r.taken() != profiles {
			t.Errorf("%d: %+v, %d taken; want all sent", status, s, r.taken())
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	r := newReceiver(t)
	r.set(503)
	const limit = 20_000
	e := running(t, Config{Endpoint: r.URL, QueueBytes: limit})
	for range 200 {
		if err := e.Add(profileOf(10)); err != nil {
			t.Fatal(err)
		}
		if s := e.Stats(); s.Bytes > limit {
			t.Fatalf("%d bytes wait, want at most %d", s.Bytes, limit)
		}
	}
	r.set(200)
	eventually(t, "an empty queue", func() bool { return e.Stats().Waiting == 0 })
	if s := e.Stats(); s.Dropped == 0 || s.Dropped+s.Sent != 200 || s.Bytes != 0 {
		t.Errorf("%+v; want 200 profiles sent or dropped", s)
	}
}

var scrapes = flag.Int("scrapes", 8, "how many profiles of 10,000 workloads are sent; 5760 are those of a day")

// Profiles of 10,000 workloads, each time with other pods and containers, leave nothing behind.
//
//	go test ./internal/otlp -run TestADay -v -timeout 0 -args -scrapes 5760
func TestADayOfProfilesDoesNotGrow(t *testing.T) {
	var bytes atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		bytes.Add(n)
	}))
	t.Cleanup(receiver.Close)
	e := running(t, Config{Endpoint: receiver.URL})
	p := profileOf(10_000)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for i := range *scrapes {
		for _, s := range p.Sample {
			pod := fmt.Sprintf("web-%d-%d", i, s.Value[1])
			s.Label["pod"], s.Label["workload"] = []string{pod}, []string{"shop/" + pod + "/nginx"}
			s.Label["container_id"] = []string{fmt.Sprintf("%032x%032d", i, s.Value[1])}
		}
		if err := e.Add(p); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the profile to be sent", func() bool { return e.Stats().Sent == uint64(i+1) })
		if i == *scrapes/4 {
			early = memory()
		}
	}
	late := memory()
	runtime.KeepAlive(p)
	t.Logf("%d profiles of %d bytes; %d bytes of memory in use after a quarter, %d in the end", *scrapes,
		bytes.Load()/int64(*scrapes), early, late)
	if late > early+4<<20 {
		t.Errorf("%d bytes in use after a quarter of the profiles, %d in the end", early, late)
	}
	if s := e.Stats(); s.Waiting != 0 || s.Bytes != 0 || s.Dropped+s.Refused+s.Retries != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRefusedProfilesDoNotHoldUpOthers(t *testing.T) {
	r := newReceiver(t)
	r.set(400)
	var said strings.Builder
	e := running(t, Config{Endpoint: r.URL, Logger: newLogger(&said)})
	if err := e.Add(profileOf(1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a refusal", func() bool { return e.Stats().Refused == 1 })
	r.set(200)
	if err := e.Add(profileOf(1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next profile", func() bool { return e.Stats().Sent == 1 })
	if !strings.Contains(said.String(), "no such tenant") || strings.Contains(said.String(), "\x1b") {
		t.Errorf("log: %q; want the receiver's words without its escapes", said.String())
	}
}

func TestFlushSaysWhatIsLeft(t *testing.T) {
	r := newReceiver(t)
	e, err := New(Config{Endpoint: r.URL, firstPause: time.Millisecond, longestPause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Add(profileOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := e.Flush(t.Context()); err != nil || r.taken() != 1 {
		t.Errorf("%v, %d taken; want one", err, r.taken())
	}
	r.set(503)
	if err := e.Add(profileOf(1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Flush(ctx); err == nil || !strings.Contains(err.Error(), "1 profile not sent") {
		t.Errorf("%v, want that one is left", err)
	}
}

func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// What a hostile receiver says is printed on a terminal. The password of the URL is not.
func TestWordsOfAReceiverAreCleaned(t *testing.T) {
	const hostile = "\x1b[2J\x1b]0;x\x07 \xff"
	partial := pprofileotlp.NewExportResponse()
	partial.PartialSuccess().SetRejectedProfiles(1)
	partial.PartialSuccess().SetErrorMessage(hostile)
	rejects, err := partial.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"body":    "HTTP/1.1 400 Bad Request\r\nContent-Length: 1000000000\r\n\r\n" + hostile,
		"status":  "HTTP/1.1 400 " + hostile + "\r\nContent-Length: 0\r\n\r\n",
		"later":   "HTTP/1.1 503 " + hostile + "\r\nContent-Length: 0\r\n\r\n",
		"partial": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(rejects), rejects),
		"endless": "HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
						_, _ = io.Copy(io.Discard, r.Body)
						_, _ = io.WriteString(conn, answer)
					}
					conn.Close()
				}
			}()
			e, err := New(Config{Endpoint: "http://user:secret@" + l.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Add(profileOf(1)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if name == "later" { // it is tried again until the context ends
				time.AfterFunc(2*time.Second, cancel)
			}
			err = e.Flush(ctx)
			if err == nil {
				t.Fatal("no error")
			}
			said := err.Error()
			if strings.ContainsFunc(said, unicode.IsControl) || !utf8.ValidString(said) ||
				strings.Contains(said, "secret") || len(said) > 1000 {
				t.Errorf("%q", said)
			}
		})
	}
	for _, endpoint := range []string{
		"ftp://user:secret@host", "http://user:secret@host:port",
		"http://a:secret@\x1b",
	} {
		if _, err := New(Config{Endpoint: endpoint}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
