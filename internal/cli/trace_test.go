package cli

import "testing"

func TestStacksFlag(t *testing.T) {
	for value, want := range map[string]string{"kernel": "kernel", "user": "user", "user,kernel": "kernel,user"} {
		var s stacksFlag
		if err := s.Set(value); err != nil || s.String() != want {
			t.Errorf("%s: %s, %v", value, &s, err)
		}
	}
	if err := new(stacksFlag).Set("kernal"); err == nil {
		t.Error("kernal is a stack")
	}
}
