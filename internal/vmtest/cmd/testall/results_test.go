package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const stream = `{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"--- PASS\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"run","Package":"p","Test":"TestSub"}
{"Action":"run","Package":"p","Test":"TestSub/one"}
{"Action":"skip","Package":"p","Test":"TestSub/one"}
{"Action":"pass","Package":"p","Test":"TestSub"}
{"Action":"run","Package":"p","Test":"TestLacks"}
{"Action":"output","Package":"p","Test":"TestLacks","Output":"    x_test.go:7: needs Linux 6.7\n"}
{"Action":"skip","Package":"p","Test":"TestLacks"}
{"Action":"run","Package":"p","Test":"TestHangs"}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"waiting\n"}
{"Action":"output","Package":"p","Output":"panic: timed out\n"}
{"Action":"fail","Package":"p"}
`

func TestCollect(t *testing.T) {
	r, rest := collect(strings.NewReader(stream+"not JSON: the guest died\n"), nil)
	if r.count("pass") != 2 || r.count("skip") != 1 || r.count("fail") != 1 {
		t.Errorf("%+v", r.tests)
	}
	if sub := r.tests[1]; sub.name != "TestSub" || sub.action != "pass" || !sub.partly {
		t.Errorf("a test with a skipped subtest: %+v, want partly", sub)
	}
	if !strings.Contains(rest, "panic: timed out") || !strings.Contains(rest, "the guest died") {
		t.Errorf("what belongs to no test is lost: %q", rest)
	}
	if hung := r.tests[len(r.tests)-1]; hung.name != "TestHangs" ||
		!strings.Contains(hung.output, "waiting\ndid not finish") {
		t.Errorf("a test that never ended: %+v", hung)
	}
}

func TestSummary(t *testing.T) {
	needsGuest := "    x_test.go:1: needs a guest kernel\n"
	var out bytes.Buffer
	rs := results{out: &out, all: []result{
		{name: "lint"},
		{name: "check-generate", err: errors.New("differs")},
		{name: "kernel 5.10", skipped: "not reachable"},
		{name: "host", tests: []test{
			{pkg: "p", name: "TestPure", action: "pass"},
			{pkg: "p", name: "TestKernel", action: "skip", output: needsGuest},
			{pkg: "p", name: "TestNowhere", action: "skip", output: needsGuest},
		}},
		{name: "p [6.1]", tests: []test{
			{pkg: "p", name: "TestPure", action: "pass"},
			{
				pkg: "p", name: "TestKernel", action: "skip",
				output: "    x_test.go:2: Linux 6.1 has no fsession\n",
			},
		}},
		{name: "p [newest]", tests: []test{
			{pkg: "p", name: "TestPure", action: "skip", output: needsGuest},
			{pkg: "p", name: "TestKernel", action: "fail", output: "boom\n"},
		}},
	}}
	if code := rs.summary(0); code != 1 {
		t.Errorf("exit code %d", code)
	}
	text := out.String()
	// passed: lint, TestPure. failed: check-generate, TestKernel on one kernel. skipped: the kernel, TestNowhere.
	if !strings.HasSuffix(text, "\n2 passed, 2 failed, 2 skipped\n") {
		t.Errorf("%s", text)
	}
	for _, want := range []string{
		"--- SKIP: kernel 5.10: not reachable", "--- SKIP: p [6.1] TestKernel: Linux 6.1 has no fsession",
		"--- SKIP: host TestNowhere: needs a guest kernel",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "TestPure") {
		t.Errorf("a test that ran on the host is listed as skipped:\n%s", text)
	}
}

func TestSummaryOfSuccess(t *testing.T) {
	var out bytes.Buffer
	rs := results{out: &out, all: []result{
		{name: "lint"},
		{name: "p [6.1]", tests: []test{{pkg: "p", name: "T", action: "pass"}}},
	}}
	if code := rs.summary(0); code != 0 ||
		!strings.HasSuffix(out.String(), "\n2 passed, 0 failed, 0 skipped\n") {
		t.Errorf("%d\n%s", code, out.String())
	}
}
