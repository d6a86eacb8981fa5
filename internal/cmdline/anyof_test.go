package cmdline

import (
	"testing"
	"time"
)

func TestAnyOf(t *testing.T) {
	var kernel, user bool
	v := AnyOf("WHICH", []string{"kernel", "user"}, &kernel, &user)
	for given, want := range map[string]string{
		"kernel": "kernel", "user": "user", "user,kernel": "kernel,user", "kernel,kernel": "kernel",
	} {
		if err := v.Set(given); err != nil || v.String() != want {
			t.Errorf("%s: %v, %v", given, v, err)
		}
	}
	for _, given := range []string{"kernal", "", "kernel,", "kernel, user"} {
		if err := v.Set(given); err == nil || err.Error() != "must be kernel, user or kernel,user" {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestOneIn(t *testing.T) {
	n := 0
	v := OneIn(&n, 100)
	if v.String() != "1" {
		t.Errorf("0 is shown as %s", v)
	}
	for given, want := range map[string]int{"64": 64, "1/64": 64, "1": 1, "100": 100} {
		if err := v.Set(given); err != nil || n != want {
			t.Errorf("%s: %d, %v", given, n, err)
		}
	}
	for _, given := range []string{"0", "101", "1/0", "2/64", "-1", ""} {
		if err := v.Set(given); err == nil {
			t.Errorf("%q is accepted", given)
		}
	}
}

func TestSwitch(t *testing.T) {
	for _, test := range []struct {
		args   []string
		on     bool
		length time.Duration
	}{
		{nil, false, 0},
		{[]string{"--check"}, true, 0},
		{[]string{"--check=2s"}, true, 2 * time.Second},
	} {
		var on bool
		var length time.Duration
		f := NewFlags("record")
		f.Group("What")
		f.Switch(&on, Duration(&length, Positive), "check", "Check.")
		if err := f.Parse(test.args, func(string) (string, bool) { return "", false }); err != nil {
			t.Fatal(err)
		}
		if on != test.on || length != test.length {
			t.Errorf("%v: on %v, %v", test.args, on, length)
		}
	}
}
