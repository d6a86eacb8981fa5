package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestParseShellLine(t *testing.T) {
	c, err := parse([]string{
		"-kernel", "6.12", "-in", "a:/b", "-in", "c:/d", "-out", "/e:f", "-env", "X=1", "--",
		"exit 3",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Args, []string{"/bin/sh", "-c", "exit 3"}) || c.Kernel != "6.12" {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.In, []vmtest.Copy{{From: "a", To: "/b"}, {From: "c", To: "/d"}}) ||
		!slices.Equal(c.Out, []vmtest.Copy{{From: "/e", To: "f"}}) {
		t.Errorf("in %v, out %v", c.In, c.Out)
	}
	if !slices.Contains(c.Env, "X=1") {
		t.Errorf("env %v", c.Env)
	}
}

func TestParseMistakes(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-in", "nocolon", "x"},
		{"-out", ":x", "x"},
		{"-nosuch", "x"},
		{"-exec", "/no/such/binary"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestHostVariablesArePassedOnAndOverridden(t *testing.T) {
	t.Setenv("LSMPROF_X", "host")
	c, err := parse([]string{"-env", "LSMPROF_X=flag", "cmd"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	host, flag := slices.Index(c.Env, "LSMPROF_X=host"), slices.Index(c.Env, "LSMPROF_X=flag")
	if host < 0 || flag < host {
		t.Errorf("%q: the last one wins, and must be the flag's", c.Env)
	}
}

func TestGoTestArguments(t *testing.T) {
	t.Chdir("../..") // has a testdata folder
	static, err := parse([]string{"-exec", buildVM(t), "-test.timeout=2m", "-test.testlogfile=/x", "-test.run=A"},
		io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/usr/local/bin/vm", "-test.timeout=2m", "-test.run=A"}; !slices.Equal(static.Args, want) {
		t.Errorf("args %q, want %q", static.Args, want)
	}
	if static.Timeout != 2*time.Minute+15*time.Second {
		t.Errorf("timeout %v: the test's own deadline must come first", static.Timeout)
	}
	if !slices.ContainsFunc(static.In, func(c vmtest.Copy) bool { return c.To == static.Dir+"/testdata" }) {
		t.Errorf("testdata is not copied: %v", static.In)
	}
	if _, err := parse([]string{"-exec", "/bin/ls"}, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "CGO_ENABLED=0") {
		if _, err := os.Stat("/lib64/ld-linux-x86-64.so.2"); err == nil {
			t.Errorf("a dynamically linked program: %v", err)
		}
	}
}
