package fleet

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// bytesOf returns the profile of a node. It has that number of rows, and each takes up to most ns.
func bytesOf(t testing.TB, host string, rows int, change func(*profile.Snapshot)) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(rows)))
	s := profile.Snapshot{
		Duration: 15 * time.Second, Version: "v1", Machine: profile.Machine{Host: host, Kernel: "6.12"},
		Calibration: profile.Calibration{
			Runs: 9, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 50},
		},
	}
	for i := range 20 {
		s.Programs = append(s.Programs, profile.Program{
			Name: fmt.Sprintf("program_%d", i), Hook: fmt.Sprintf("hook_%d", i),
			Enforcer: []string{"varmor", "tetragon"}[i%2],
		})
	}
	for i := range rows {
		pod := i / 200
		r := profile.Row{
			Program: i % 20, Syscall: fmt.Sprintf("syscall_%d", i/20%10), Rules: i % 9,
			Denials: uint64(i % 3),
			Workload: profile.Workload{
				MntNS: uint32(pod), Comm: "nginx", Namespace: fmt.Sprintf("team-%d", pod%7),
				Pod: fmt.Sprintf("web-%d", pod), Container: "nginx", ContainerID: fmt.Sprintf("%064d",
					pod), Image: "nginx:1",
			},
		}
		for range 3 {
			ns := 200 + rng.Uint64N(5000)
			r.Readings.Add(ns)
			r.Sum += ns
		}
		s.Programs[i%20].Timed += 3
		s.Rows = append(s.Rows, r)
	}
	if change != nil {
		change(&s)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The sums of a profile are those that pprof's own parser finds.
func TestDecodeAgreesWithPprof(t *testing.T) {
	data := bytesOf(t, "node-1", 500, nil)
	got, err := new(Decoder).Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want, err := pprof.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	costs := map[Part]Cost{}
	for _, s := range want.Sample {
		var part Part
		for i, names := range partLabels {
			if v := s.Label[names[0]]; len(v) > 0 {
				part[i] = v[0]
			}
		}
		c := costs[part]
		c.Calls += s.Value[0]
		c.Denials += s.Value[1]
		c.Ns += s.Value[3]
		costs[part] = c
	}
	if want.SampleType[1].Type != "denials" || want.SampleType[3].Type != profile.HookTime {
		t.Fatalf("sample types %v", want.SampleType)
	}
	if len(costs) != len(got.Costs) || len(costs) < 100 {
		t.Errorf("%d kinds of calls, want %d", len(got.Costs), len(costs))
	}
	for part, c := range costs {
		if got.Costs[part] != c {
			t.Errorf("%v: %v, want %v", part, got.Costs[part], c)
		}
	}
	if got.Host != "node-1" || got.Version != "v1" || got.Seconds != 15 || !strings.HasPrefix(got.Kernel, "6.12") {
		t.Errorf("%+v", got)
	}
}

// Profiles of earlier versions have other names for the sample types.
func TestDecodeOldSampleTypes(t *testing.T) {
	data := bytesOf(t, "node-1", 50, nil)
	want, err := new(Decoder).Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pprof.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	p.SampleType[2].Type, p.SampleType[3].Type, p.DefaultSampleType = "body", "hook", "hook"
	var old bytes.Buffer
	if err := p.Write(&old); err != nil {
		t.Fatal(err)
	}
	got, err := new(Decoder).Decode(&old)
	if err != nil || !maps.Equal(got.Costs, want.Costs) {
		t.Errorf("an old profile has other costs (%v)", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := bytesOf(t, "node-1", 10, nil)
	z, err := gzip.NewReader(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	parsed := func(change func(*pprof.Profile)) []byte {
		p, err := pprof.ParseData(good)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range 65 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "not a profile of lsmprof"},
		"text":          {[]byte("<html>"), "damaged"},
		"half":          {plain.Bytes()[:plain.Len()/2], "damaged"},
		"half, gzip":    {good[:len(good)/2], "inflate"},
		"a bomb":        {bomb.Bytes(), "more than 64 MiB"},
		"a large file":  {make([]byte, MaxCompressed+1), "more than 8 MiB"},
		"no duration":   {parsed(func(p *pprof.Profile) { p.DurationNanos = 0 }), "how long"},
		"a difference":  {parsed(func(p *pprof.Profile) { p.Sample[0].Value[3] = -1 }), "difference"},
		"a CPU profile": {parsed(func(p *pprof.Profile) { p.SampleType[3].Type = "cpu" }), "sample type"},
		"no end of time": {parsed(func(p *pprof.Profile) {
			p.Sample[0].Value[3], p.Sample[1].Value[3] = 1<<62,
				1<<62
		}), ""},
	} {
		if _, err := new(Decoder).Decode(bytes.NewReader(c.data)); c.want != "" &&
			(err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if p, err := new(Decoder).Decode(&plain); err != nil || len(p.Costs) != 10 {
		t.Errorf("without compression: %v, %v", p, err)
	}
}

func FuzzDecode(f *testing.F) {
	data := bytesOf(f, "node-1", 3, nil)
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil {
		f.Fatal(err)
	}
	f.Add(plain.Bytes())
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := new(Decoder).Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		var s Sums
		if err := s.Add("file", "", p); err != nil {
			return
		}
		s.Relative()
		if n := len(s.By(Hook)); n > len(p.Costs) {
			t.Errorf("%d hooks of %d kinds of calls", n, len(p.Costs))
		}
	})
}

func TestNodes(t *testing.T) {
	var s Sums
	add := func(host, source, address string) {
		t.Helper()
		p, err := new(Decoder).Decode(bytes.NewReader(bytesOf(t, host, 20, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(source, address, p); err != nil {
			t.Fatal(err)
		}
	}
	add("a", "1.pb.gz", "")
	add("a", "2.pb.gz", "") // the same node, later
	add("", "3.pb.gz", "")
	add("", "4.pb.gz", "")
	add("debian", "http://10.0.0.1:6061", "10.0.0.1:6061") // two nodes of one name
	add("debian", "http://10.0.0.2:6061", "10.0.0.2:6061")
	s.Sort()
	var got []string
	for _, n := range s.Nodes {
		got = append(got, fmt.Sprintf("%s %d %g", n.Name, n.Profiles, n.Seconds))
	}
	want := "3.pb.gz 1 15, 4.pb.gz 1 15, a 2 30, debian (http://10.0.0.1:6061) 1 15, debian " +
		"(http://10.0.0.2:6061) 1 15"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if a, b := s.Nodes[2].Total(), s.Nodes[0].Total(); a != b.Plus(b) {
		t.Errorf("two profiles of a node have %v, one has %v", a, b)
	}
}

// What a node runs does not change its relative cost; what its calls take does.
func TestRelative(t *testing.T) {
	part := func(syscall string) Part { return Part{Syscall: syscall, Enforcer: "varmor"} }
	var s Sums
	for i := range 7 {
		costs := map[Part]Cost{part("cheap"): {Calls: 100, Ns: 10_000}, part("dear"): {Calls: 10, Ns: 100_000}}
		switch i {
		case 1: // other work
			costs[part("dear")] = Cost{Calls: 1000, Ns: 10_000_000}
		case 2: // the same work, slower
			costs = map[Part]Cost{part("cheap"): {Calls: 100, Ns: 20_000}, part("dear"): {
				Calls: 10,
				Ns:    200_000,
			}}
		case 3: // what no other node does
			costs[part("own")] = Cost{Calls: 1, Ns: 110_000}
		case 4:
			costs = map[Part]Cost{part("own, too"): {Calls: 1, Ns: 1}}
		}
		if err := s.Add(fmt.Sprint(i), "", &Profile{Seconds: 1, Costs: costs}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []Relative{{1, 1}, {1, 1}, {2, 1}, {1, 0.5}, {}, {1, 1}, {1, 1}} {
		if got := s.Relative()[i]; got != want {
			t.Errorf("node %d: %v, want %v", i, got, want)
		}
	}
}

// A profile that is given twice, as by two globs, is counted once.
func TestProfileGivenTwice(t *testing.T) {
	profile := func(host string, second int64) *Profile {
		return &Profile{
			Host: host, Start: time.Unix(second, 0), Seconds: 2,
			Costs: map[Part]Cost{{"a"}: {Calls: 3, Ns: 5}, {"b"}: {Calls: 1, Ns: 7}},
		}
	}
	var s Sums
	for _, c := range []struct {
		source string
		p      *Profile
		fails  bool
	}{
		{"a.pb.gz", profile("n1", 1), false},
		{"copy.pb.gz", profile("n1", 1), true},
		{"later.pb.gz", profile("n1", 3), false},
		{"other.pb.gz", profile("n2", 1), false},
		{"x.pb.gz", profile("", 1), false},
		{"y.pb.gz", profile("", 1), false}, // of an unknown machine each
	} {
		err := s.Add(c.source, "", c.p)
		const same = "the same profile as a.pb.gz"
		if (err != nil) != c.fails || err != nil && !strings.Contains(err.Error(), same) {
			t.Errorf("%s: %v, want an error: %v", c.source, err, c.fails)
		}
	}
	if len(s.Nodes) != 4 || s.Nodes[0].Profiles != 2 || s.Nodes[0].Seconds != 4 {
		t.Errorf("%d nodes, the first %+v", len(s.Nodes), s.Nodes[0])
	}
}
