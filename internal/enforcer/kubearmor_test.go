package enforcer

import (
	"encoding/binary"
	"testing"
)

// kubearmorEntry is one with the layout of v1.6.10 and later.
func kubearmorEntry(path, source string, process, access uint16) entry {
	k := make([]byte, 400)
	copy(k, path)
	copy(k[200:], source)
	return entry{k, binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, process), access)}
}

func TestKubeArmorRules(t *testing.T) {
	const exec, rw, dir, hint, deny = 1, 6, 16, 64, 128
	for name, c := range map[string]struct {
		entries []entry
		want    Rules
	}{
		"nothing":    {nil, Rules{}},
		"a file":     {[]entry{kubearmorEntry("/a", "", 0, rw|deny)}, Rules{File: 1}},
		"both kinds": {[]entry{kubearmorEntry("/a", "", exec|deny, rw|deny)}, Rules{File: 1, Exec: 1}},
		"of sources": {[]entry{kubearmorEntry("/a", "/bin/x", exec, 0), kubearmorEntry("/a", "/bin/y", exec, 0)}, Rules{Exec: 2}},
		"a directory": {[]entry{
			kubearmorEntry("/a/b", "", 0, rw), kubearmorEntry("/a/b/", "", 0, rw|dir), kubearmorEntry("/a/", "", 0, rw|hint), kubearmorEntry("/", "", 0, rw|hint),
		}, Rules{File: 1}},
		"a directory in a directory": {[]entry{
			kubearmorEntry("/a", "", 0, rw), kubearmorEntry("/a/", "", 0, rw|dir|hint), kubearmorEntry("/", "", 0, rw|hint),
			kubearmorEntry("/a/b", "", 0, rw), kubearmorEntry("/a/b/", "", 0, rw|dir),
		}, Rules{File: 2}},
		"the directory of a program": {[]entry{
			kubearmorEntry("/bin", "", exec, 0), kubearmorEntry("/bin/", "", exec|dir, 0), kubearmorEntry("/", "", exec|hint, 0), kubearmorEntry("/bin", "", 0, rw),
		}[:3], Rules{Exec: 1}},
		"network": {[]entry{kubearmorEntry("\x02\x03", "", deny, 0), kubearmorEntry("\x03\x11", "", 0, 0)}, Rules{Net: 2}},
		"a domain": {[]entry{
			kubearmorEntry("a.org", "", 0, 0), kubearmorEntry("a.org.cluster.local", "", 0, 0), kubearmorEntry("a.org.svc.cluster.local", "", 0, 0),
			kubearmorEntry("a.org.domain.name", "", 0, 0), kubearmorEntry("a.org.shop.svc.cluster.local", "", 0, 0),
		}, Rules{Net: 1}},
		"a domain of the cluster": {[]entry{kubearmorEntry("db.shop.svc.cluster.local", "", 0, 0)}, Rules{Net: 1}},
		"capabilities":            {[]entry{kubearmorEntry("\xc8\x0d", "", deny, 0), kubearmorEntry("\xc8\x05", "/bin/x", deny, 0)}, Rules{Cap: 2}},
		"postures":                {[]entry{kubearmorEntry("\x65", "", 141, 0), kubearmorEntry("\x66", "", 140, 0), kubearmorEntry("\x68", "", 141, 0)}, Rules{}},
	} {
		if got := kubearmorRules(c.entries); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Whatever stands in a map, no entry is more than one rule of each kind.
func FuzzKubeArmorRules(f *testing.F) {
	f.Add([]byte("/a\x00/a/"), uint16(1), uint16(22))
	f.Fuzz(func(t *testing.T, keys []byte, process, access uint16) {
		var all []entry
		for i := 0; i+3 <= len(keys); i += 3 {
			all = append(all, kubearmorEntry(string(keys[i:i+3]), "", process, access))
		}
		r := kubearmorRules(all)
		for _, n := range []int{r.File, r.Exec, r.Net + r.Cap} {
			if n < 0 || n > len(all) {
				t.Errorf("%+v of %d entries", r, len(all))
			}
		}
	})
}
