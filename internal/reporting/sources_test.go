package reporting

import "testing"

func TestFileName(t *testing.T) {
	for source, want := range map[string]string{
		"/a/lsmprof.pb.gz": "lsmprof", "x.pprof": "x", "noending": "noending",
		"http://node-1:6061/debug/pprof/lsm": "lsmprof-node-1-6061",
		"https://node-1.example":             "lsmprof-node-1.example",
	} {
		if got := FileName(source); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}
