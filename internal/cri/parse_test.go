package cri

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSpellings(t *testing.T) {
	const besteffort = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_3.slice/"
	for name, c := range map[string]struct {
		spec string
		want []string
	}{
		"containerd": {"kubepods-besteffort-pod12_3.slice:cri-containerd:0abc", []string{
			"/kubepods-besteffort-pod12_3.slice:cri-containerd:0abc", besteffort +
				"cri-containerd-0abc.scope",
		}},
		"CRI-O": {"kubepods-pod1.slice:crio:0abc", []string{
			"/kubepods-pod1.slice:crio:0abc", "/kubepods.slice/kubepods-pod1.slice/crio-0abc.scope",
		}},
		"docker": {"system.slice:docker:0abc", []string{
			"/system.slice:docker:0abc",
			"/system.slice/docker-0abc.scope",
		}},
		"a kubelet in a container": {"kubelet-kubepods-pod1.slice:cri-containerd:0abc", []string{
			"/kubelet-kubepods-pod1.slice:cri-containerd:0abc",
			"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-0abc.scope",
		}},
		"no slice": {":cri-containerd:0abc", []string{
			"/:cri-containerd:0abc",
			"/system.slice/cri-containerd-0abc.scope",
		}},
		"no prefix":       {"a.slice::0abc", []string{"/a.slice::0abc", "/a.slice/-0abc.scope"}},
		"slice:name":      {"a.slice:0abc", []string{"/a.slice:0abc", "/a.slice/0abc.scope"}},
		"root slice":      {"-.slice:x:y.slice", []string{"/-.slice:x:y.slice", "/y.slice"}},
		"cgroupfs":        {"/kubepods/besteffort/pod1/0abc", []string{"/kubepods/besteffort/pod1/0abc"}},
		"relative":        {"k8s.io/0abc", []string{"/k8s.io/0abc"}},
		"empty":           {"", nil},
		"root":            {"/", nil},
		"no slice's name": {"a:b:c", []string{"/a:b:c"}},
		"empty part":      {"a--b.slice:x:y", []string{"/a--b.slice:x:y"}},
		"path as slice":   {"a/b.slice:x:y", []string{"/a/b.slice:x:y"}},
		"path as prefix":  {"a.slice:../x:y", []string{"/a.slice:../x:y"}},
		"no name":         {"a.slice:x:", []string{"/a.slice:x:"}},
	} {
		if got := spellings(c.spec); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	const systemd, fs = "kubepods-pod1.slice:cri-containerd:0abc", "/kubepods/pod1/0abc"
	id, other := strings.Repeat("5ca1ab1e", 8), strings.Repeat("0ff1ce00", 8)
	for name, test := range map[string]struct {
		id, spec, cgroup string
		want             bool
	}{
		"systemd": {
			"0abc", systemd,
			"/kubepods.slice/kubepods-pod1.slice/cri-containerd-0abc.scope", true,
		},
		"below the scope": {
			"0abc", systemd,
			"/kubepods.slice/kubepods-pod1.slice/cri-containerd-0abc.scope/init.scope", true,
		},
		"colons as a path": {"0abc", systemd, "/kubepods-pod1.slice:cri-containerd:0abc", true},
		"colons below the service": {
			"0abc", systemd,
			"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:0abc", true,
		},
		"cgroupfs":                 {"0abc", fs, "/kubepods/pod1/0abc", true},
		"a kubelet in a container": {"0abc", fs, "/docker/ffff/kubepods/pod1/0abc", true},
		"another container":        {"0abc", fs, "/kubepods/pod1/0abcd", false},
		"its pod":                  {"0abc", fs, "/kubepods/pod1", false},
		"from beside it": {
			"0abc", systemd, "/../../kubepods-pod1.slice/cri-containerd-0abc.scope",
			true,
		},
		"from its pod": {"0abc", systemd, "/../cri-containerd-0abc.scope/init.scope", true},
		"from afar": {
			"0abc", systemd,
			"/../../../kubepods.slice/kubepods-pod1.slice/cri-containerd-0abc.scope", true,
		},
		"another, from beside it": {
			"0abc", systemd,
			"/../../kubepods-pod1.slice/cri-containerd-0abcd.scope", false,
		},
		"an imitation, from its pod": {
			"0abc", systemd,
			"/../cri-containerd-0fff.scope/cri-containerd-0abc.scope", false,
		},
		"nothing but above":           {"0abc", systemd, "/../..", false},
		"root":                        {"0abc", "/", "/", false},
		"no spec":                     {"0abc", "", "/x", false},
		"id, no spec":                 {id, "", "/machine.slice/libpod-" + id + ".scope/container", true},
		"id, a spelling of its own":   {id, "pod1:crio:" + id, "/pods/crio-" + id + "/container", true},
		"id, colons":                  {id, "", "/kubepods-pod1.slice:cri-containerd:" + id, true},
		"id, its monitor":             {id, "", "/machine.slice/libpod-conmon-" + id + ".scope", false},
		"id, an imitation in another": {id, "", "/docker/" + other + "/docker-" + id + ".scope", false},
	} {
		c := Container{ID: test.id, cgroups: spellings(test.spec)}
		if got := c.find(test.cgroup) >= 0; got != test.want {
			t.Errorf("%s: found: %v, want %v", name, got, test.want)
		}
	}
}

func TestLocate(t *testing.T) {
	id, other := strings.Repeat("5ca1ab1e", 8), strings.Repeat("0ff1ce00", 8)
	const colons = "kubepods-besteffort-pod12_3.slice:cri-containerd:"
	for name, test := range map[string]struct {
		pid       int // that the runtime names
		spec      string
		cgroups   map[int]string // the text of /proc/PID/cgroup
		want      int
		unlocated string
	}{
		"v2": {4242, colons + id, map[int]string{4242: "0::/" + colons + id + "\n"}, 4242, ""},
		"v1": {
			4242, colons + id,
			map[int]string{4242: "11:pids:/system.slice/containerd.service/" + colons + id +
				"\n0::/system.slice/containerd.service\n"},
			4242, "",
		},
		"crun": {
			4242, "machine.slice:libpod:" + id,
			map[int]string{4242: "0::/machine.slice/libpod-" + id + ".scope/container\n"},
			4242, "",
		},
		"no process named": {0, "", map[int]string{7: "0::/docker/" + id + "\n", 6: "0::/\n", 9: "0::/docker/" +
			id + "\n"}, 7, ""},
		"number reused": {6, "/docker/" + id, map[int]string{
			6: "0::/docker/" + other + "\n",
			8: "0::/docker/" + id + "\n",
		}, 8, ""},
		"an imitation": {
			0, "/pods/" + id,
			map[int]string{6: "0::/docker/" + other + "/pods/" + id + "\n"},
			0, "no process is in /pods/" + id,
		},
		"gone":      {6, "/docker/" + id, nil, 0, "neither process 6 nor any other is in /docker/" + id},
		"no cgroup": {0, "", nil, 0, "the runtime does not report its cgroup"},
	} {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			for pid, text := range test.cgroups {
				dir := filepath.Join(proc, strconv.Itoa(pid))
				if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "cgroup"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(fmt.Sprintf("mnt:[%d]", 4026532000+pid),
					filepath.Join(dir, "ns/mnt")); err != nil {
					t.Fatal(err)
				}
			}
			c := Container{ID: id, PID: test.pid, cgroups: spellings(test.spec)}
			c.locate(proc, []Container{c, {ID: other, cgroups: spellings("/docker/" + other)}})
			if c.PID != test.want || c.Unlocated != test.unlocated {
				t.Errorf("process %d, %q; want %d, %q", c.PID, c.Unlocated, test.want, test.unlocated)
			}
			if test.want != 0 && c.MntNS != uint32(4026532000+test.want) {
				t.Errorf("mount namespace %d, want that of process %d", c.MntNS, test.want)
			}
		})
	}
}

func TestOutermostCgroupCounts(t *testing.T) {
	r := New("")
	r.table["a"] = &entry{Container: Container{ID: "a", cgroups: []string{"/pods/a"}}}
	r.table["b"] = &entry{Container: Container{ID: "b", cgroups: []string{"/pods/b"}}}
	for range 20 { // the order of a map varies
		if found, _ := r.Find(0, "/pods/b/pods/a"); found.ID != "b" {
			t.Fatalf("found %q, want b, which made the inner cgroup", found.ID)
		}
	}
}

func TestUnlocatedContainersRun(t *testing.T) {
	r := New("")
	r.table["a"] = &entry{Container: Container{ID: "a", Running: true, Unlocated: "no process"}}
	r.table["b"] = &entry{Container: Container{ID: "b", Unlocated: "no process"}}
	r.table["c"] = &entry{Container: Container{ID: "c", Running: true, MntNS: 7}}
	if got := r.Unlocated(); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("%+v, want a alone", got)
	}
}

func TestTextOfARuntimeIsCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"web-0":                   "web-0",
		"a/b":                     "a?b",
		"\x1b[2J\x07":             "?[2J?",
		"a\nb\x00":                "a?b?",
		"\u202eevil":              "?evil",
		"bad\xff":                 "bad?",
		"<b>&":                    "<b>&", // not escaped
		strings.Repeat("é", 1000): strings.Repeat("é", maxName) + "…",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	labels := map[string]string{"io.kubernetes.pod.uid": "x", "b": "1,c=2", "a": "\x1b"}
	if got := cleanLabels(labels); got != "a=?,b=1?c?2" {
		t.Errorf("labels %q, want a=?,b=1?c?2", got)
	}
	many := map[string]string{}
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		many[string(r)] = "x"
	}
	if got := strings.Count(cleanLabels(many), "="); got != maxLabels {
		t.Errorf("%d labels, want %d", got, maxLabels)
	}
}

func FuzzInfo(f *testing.F) {
	f.Add(`{"pid":4242,"runtimeSpec":{"linux":{"cgroupsPath":"kubepods.slice:cri-containerd:0abc"}}}`)
	f.Add(`{"pid":-1,"runtimeSpec":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c Container
		if c.parseInfo(text); c.PID < 0 || c.PID == 1 || c.UID < 0 || c.GID < 0 {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzSpellings(f *testing.F) {
	f.Add("kubepods-besteffort-pod1.slice:cri-containerd:0abc", "/kubepods.slice/x")
	f.Add("/a/../b", "/../x")
	f.Fuzz(func(t *testing.T, spec, cgroup string) {
		c := Container{ID: "0abc", cgroups: spellings(spec)}
		for _, path := range c.cgroups {
			if path[0] != '/' || strings.Contains(path, "/../") {
				t.Errorf("%q: %q", spec, path)
			}
		}
		if c.find(cgroup) >= len(cgroup) && cgroup != "" || c.find("/") >= 0 {
			t.Errorf("%q: found in %q at %d", spec, cgroup, c.find(cgroup))
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("web\x1b[0m\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanName(s)
		if utf8.RuneCountInString(got) > maxName+1 ||
			strings.ContainsFunc(got, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}
