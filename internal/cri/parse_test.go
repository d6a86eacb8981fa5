package cri

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCgroupsOfAllDrivers(t *testing.T) {
	for spec, want := range map[string]string{
		"kubepods-besteffort-pod12_3.slice:cri-containerd:0abc": "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_3.slice/cri-containerd-0abc.scope",
		"kubepods-pod1.slice:crio:0abc":                         "/kubepods.slice/kubepods-pod1.slice/crio-0abc.scope",
		"system.slice:docker:0abc":                              "/system.slice/docker-0abc.scope",
		":cri-containerd:0abc":                                  "/system.slice/cri-containerd-0abc.scope",
		"-.slice:x:y.slice":                                     "/y.slice",
		"/kubepods/besteffort/pod1/0abc":                        "/kubepods/besteffort/pod1/0abc",
		"k8s.io/0abc":                                           "/k8s.io/0abc",
		"":                                                      "",
		"a:b":                                                   "",
		"a:b:c":                                                 "",
		"a--b.slice:x:y":                                        "",
		"a/b.slice:x:y":                                         "",
		"a.slice:../x:y":                                        "",
		"a.slice:x:":                                            "",
	} {
		got, err := expandCgroup(spec)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", spec, got, err, want)
		}
	}
}

func TestProcessesInAContainersCgroup(t *testing.T) {
	systemd := "/kubepods.slice/kubepods-pod1.slice/cri-containerd-0abc.scope"
	for _, test := range []struct {
		what, groups, cgroup string
		want                 bool
	}{
		{"v2", "0::" + systemd + "\n", systemd, true},
		{"below it", "0::" + systemd + "/init.scope\n", systemd, true},
		{"v1", "12:cpu,cpuacct:/kubepods/pod1/0abc\n1:name=systemd:/kubepods/pod1/0abc\n", "/kubepods/pod1/0abc", true},
		{"hybrid", "5:pids:/kubepods/pod1/0abc\n0::/system.slice/containerd.service\n", "/kubepods/pod1/0abc", true},
		{"nested", "0::/docker/ffff/kubepods/pod1/0abc\n", "/kubepods/pod1/0abc", true},
		{"another", "0::/kubepods/pod1/0abcd\n", "/kubepods/pod1/0abc", false},
		{"its pod", "0::/kubepods/pod1\n", "/kubepods/pod1/0abc", false},
		{"seen from a cgroup namespace beside it", "0::/../../kubepods-pod1.slice/cri-containerd-0abc.scope\n", systemd, true},
		{"seen from one of its pod", "0::/../cri-containerd-0abc.scope/init.scope\n", systemd, true},
		{"seen from afar", "0::/../../.." + systemd + "\n", systemd, true},
		{"another, seen from a cgroup namespace", "0::/../../kubepods-pod1.slice/cri-containerd-0abcd.scope\n", systemd, false},
		{"a name that another chose below its own", "0::/../cri-containerd-0fff.scope/cri-containerd-0abc.scope\n", systemd, false},
		{"nothing but above", "0::/../..\n", systemd, false},
		{"root", "0::/\n", "/", false},
		{"unknown", "0::/x\n", "", false},
		{"nonsense", "::\n:\n\nx", "/x", false},
	} {
		c := Container{Cgroup: test.cgroup}
		if got := c.holds(test.groups); got != test.want {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}

func TestOutermostCgroupCounts(t *testing.T) {
	r := New("")
	r.table["a"] = &entry{Container: Container{ID: "a", Cgroup: "/pods/a"}}
	r.table["b"] = &entry{Container: Container{ID: "b", Cgroup: "/pods/b"}}
	for range 20 { // of the map's orders
		if found, _ := r.Find(0, "/pods/b/pods/a"); found.ID != "b" {
			t.Fatalf("a cgroup that %s made", found.ID)
		}
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
		"<b>&":                    "<b>&", // HTML is for who writes HTML
		strings.Repeat("é", 1000): strings.Repeat("é", maxName) + "…",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	labels := map[string]string{"io.kubernetes.pod.uid": "x", "b": "1,c=2", "a": "\x1b"}
	if got := cleanLabels(labels); got != "a=?,b=1?c?2" {
		t.Errorf("labels %q", got)
	}
	many := map[string]string{}
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		many[string(r)] = "x"
	}
	if got := strings.Count(cleanLabels(many), "="); got != maxLabels {
		t.Errorf("%d labels", got)
	}
}

func FuzzInfo(f *testing.F) {
	f.Add(`{"sandboxID":"x","pid":4242,"runtimeSpec":{"linux":{"cgroupsPath":"kubepods.slice:cri-containerd:0abc"}}}`)
	f.Add(`{"pid":-1,"runtimeSpec":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c Container
		if c.parseInfo(text); c.PID < 0 || c.PID == 1 || c.Cgroup != "" && c.Cgroup[0] != '/' || c.UID < 0 || c.GID < 0 {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzCgroup(f *testing.F) {
	f.Add("kubepods-besteffort-pod1.slice:cri-containerd:0abc", "0::/kubepods.slice/x\n")
	f.Add("/a/../b", "1:name=systemd:/\n")
	f.Fuzz(func(t *testing.T, spec, groups string) {
		path, err := expandCgroup(spec)
		if err != nil {
			return
		}
		c := Container{Cgroup: path}
		c.holds(groups)
		if path[0] != '/' || strings.Contains(path, "/../") || c.holds("0::/\n") {
			t.Errorf("%q: %q", spec, path)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("web\x1b[0m\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanName(s)
		if utf8.RuneCountInString(got) > maxName+1 || strings.ContainsFunc(got, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}
