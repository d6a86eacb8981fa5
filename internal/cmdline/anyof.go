package cmdline

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// AnyOf returns the value of a flag for some of several names, with commas between. It sets the bools of the names that
// are given to true, and the others to false.
func AnyOf(kind string, names []string, given ...*bool) pflag.Value {
	show := func() string {
		var out []string
		for i, name := range names {
			if *given[i] {
				out = append(out, name)
			}
		}
		return strings.Join(out, ",")
	}
	return &value{kind: kind, show: show, set: func(s string) error {
		found := map[string]bool{}
		for name := range strings.SplitSeq(s, ",") {
			found[name] = true
		}
		for i, name := range names {
			*given[i] = found[name]
			delete(found, name)
		}
		if len(found) > 0 {
			return fmt.Errorf("must be %s or %s", strings.Join(names, ", "), strings.Join(names, ","))
		}
		return nil
	}}
}

// OneIn returns the value of a flag for one in N, as 64 or 1/64, where N is at most most. 0 is shown as 1.
func OneIn(n *int, most int) pflag.Value {
	return &value{kind: "N", show: func() string { return strconv.Itoa(max(1, *n)) }, set: func(s string) error {
		v, err := strconv.Atoi(strings.TrimPrefix(s, "1/"))
		if err != nil || v < 1 || v > most {
			return fmt.Errorf("must be N or 1/N with N from 1 to %d", most)
		}
		*n = v
		return nil
	}}
}

// bare is the value of a flag that is given without one.
const bare = "auto"

// Switch declares a flag that switches something on, and may have a value.
func (f *Flags) Switch(on *bool, v pflag.Value, name, usage string) {
	set := func(s string) error {
		*on = true
		if s == bare {
			return nil
		}
		return v.Set(s)
	}
	f.Var(&value{kind: v.Type(), show: func() string { return "" }, set: set}, name, usage)
	f.Lookup(name).NoOptDefVal = bare
}
