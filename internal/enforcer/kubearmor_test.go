package enforcer

import (
	"encoding/binary"
	"slices"
	"testing"
)

// kubearmorEntry makes an entry in the layout of v1.6.10 and later.
func kubearmorEntry(path, source string, process, access uint16) entry {
	k := make([]byte, 400)
	copy(k, path)
	copy(k[200:], source)
	return entry{k, binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, process), access)}
}

// domain makes the entries that KubeArmor v1.7 writes for a rule on a domain in a policy of a namespace.
func domain(name, source, namespace string) (all []entry) {
	for _, suffix := range []string{
		"", ".cluster.local", ".svc.cluster.local", ".domain.name", "." + namespace + ".svc.cluster.local",
	} {
		all = append(all, kubearmorEntry(name+suffix, source, 0, 0))
	}
	return all
}

// allProtocols makes the entries that KubeArmor v1.5 and later writes for `protocol: all`.
func allProtocols(source string) []entry {
	const deny = 128
	all := []entry{kubearmorEntry("", source, deny, 0)}
	for _, socketType := range []byte{1, 2, 3, 4, 5, 6, 10} {
		all = append(all, kubearmorEntry(string([]byte{2, socketType}), source, deny, 0))
	}
	return all
}

func TestKubeArmorRules(t *testing.T) {
	const exec, rw, dir, recursive, hint, deny, arguments, terminal = 1, 6, 16, 32, 64, 128, 256, 512
	e := kubearmorEntry
	for name, c := range map[string]struct {
		entries []entry
		want    Rules
	}{
		"nothing":         {nil, Rules{}},
		"file":            {[]entry{e("/a", "", 0, rw|deny)}, Rules{File: 1}},
		"process by name": {[]entry{e("curl", "", exec|deny, 0)}, Rules{Exec: 1}},
		"process with arguments, from no terminal": {
			[]entry{e("/bin/sh", "", exec|arguments|terminal, 0)},
			Rules{Exec: 1},
		},
		"process and file": {
			[]entry{e("/a", "", exec|deny, rw|deny)},
			Rules{File: 1, Exec: 1},
		},
		"two sources": {[]entry{e("/a", "/bin/x", exec, 0), e("/a", "/bin/y", exec,
			0)}, Rules{Exec: 2}},

		"directory": {[]entry{
			e("/a/b", "", 0, rw), e("/a/b/", "", 0, rw|dir), e("/a/", "", 0, rw|hint),
			e("/", "", 0, rw|hint),
		}, Rules{File: 1}},
		"recursive directory": {[]entry{
			e("/a", "", 0, rw|recursive), e("/a/", "", 0, rw|recursive|dir),
			e("/", "", 0, rw|recursive|hint),
		}, Rules{File: 1}},
		"directory in a directory": {[]entry{
			e("/a", "", 0, rw), e("/a/", "", 0, rw|dir|hint), e("/", "", 0, rw|hint),
			e("/a/b", "", 0, rw), e("/a/b/", "", 0, rw|dir),
		}, Rules{File: 2}},
		"root directory": {[]entry{e("", "", 0, rw), e("/", "", 0, rw|dir)}, Rules{File: 1}},
		"directory of programs": {[]entry{
			e("/bin", "", exec, 0), e("/bin/", "", exec|dir, 0),
			e("/", "", exec|hint, 0),
		}, Rules{Exec: 1}},
		"directory of programs, and the file": {[]entry{
			e("/bin", "", exec, rw), e("/bin/", "", exec|dir, 0), e("/", "", exec|hint, 0),
		}, Rules{Exec: 1, File: 1}},

		"protocol and type": {
			[]entry{e("\x02\x03", "", deny, 0), e("\x03\x11", "", 0, 0)},
			Rules{Net: 2},
		},
		"all protocols": {allProtocols(""), Rules{Net: 1}},
		"all protocols, two sources": {
			slices.Concat(allProtocols("/bin/x"), allProtocols("/bin/y")),
			Rules{Net: 2},
		},
		"all protocols, and one": {
			append(allProtocols(""), e("\x03\x06", "", deny, 0)),
			Rules{Net: 2},
		},
		"all protocols, and a type of a source": {
			append(allProtocols(""), e("\x02\x03", "/bin/x", deny, 0)),
			Rules{Net: 2},
		},
		"all protocols before v1.5": {allProtocols("")[:1], Rules{Net: 1}},
		"every type by itself":      {allProtocols("")[1:], Rules{Net: 7}},
		"all protocols, and a type 0": {
			append(allProtocols(""), e("\x02", "", deny, 0)),
			Rules{Net: 2},
		},
		"all protocols, and the root directory": {append(allProtocols("")[1:], e("", "", 0, rw),
			e("/", "", 0, rw|dir)), Rules{Net: 7, File: 1}},

		"domain":             {domain("a.org", "", "shop"), Rules{Net: 1}},
		"domain before v1.7": {[]entry{e("a.org", "", 0, 0)}, Rules{Net: 1}},
		"domain, two sources": {slices.Concat(domain("a.org", "/x", "shop"),
			domain("a.org", "/y", "shop")), Rules{Net: 2}},
		"domain in the cluster": {domain("db.shop.svc.cluster.local", "", "shop"), Rules{Net: 1}},
		"domain and one below a suffix": {slices.Concat(domain("a.org", "", "shop"),
			domain("a.org.cluster.local", "", "shop")), Rules{Net: 2}},
		"domain in the cluster, before": {
			[]entry{e("db", "", 0, 0), e("db.cluster.local", "", 0, 0)},
			Rules{Net: 2},
		},
		"domain and a directory": {
			append(domain("a.org", "", "shop"), e("/a", "", 0, rw)),
			Rules{Net: 1, File: 1},
		},

		"capabilities": {[]entry{
			e("\xc8\x0d", "", deny, 0), e("\xc8\x05", "/bin/x", deny, 0),
			e("\xc8", "", deny, 0),
		}, Rules{Cap: 3}},
		"postures": {[]entry{e("\x65", "", 141, 0), e("\x66", "", 140, 0), e("\x68", "", 141, 0)}, Rules{}},
	} {
		if got := kubearmorRules(c.entries); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Whatever a map holds, no entry counts as more than one rule of each kind.
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
