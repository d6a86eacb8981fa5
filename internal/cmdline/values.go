package cmdline

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// reason returns why a flag refused a value. The types of pflag report errors of strconv.
func reason(flag *pflag.Flag, value string, cause error) string {
	if !strings.HasPrefix(fmt.Sprintf("%T", flag.Value), "*pflag.") {
		return cause.Error()
	}
	switch flag.Value.Type() {
	case "bool":
		return "must be true or false"
	case "int", "int64":
		return "must be a whole number"
	case "uint", "uint64", "uintSlice", "uint32":
		return "must be a whole number that is not negative"
	case "float64":
		return "must be a number"
	case "duration":
		return notADuration(value).Error()
	}
	return cause.Error()
}

func notADuration(value string) error {
	if v, err := strconv.ParseFloat(value, 64); err == nil && v > 0 && !math.IsInf(v, 0) {
		return fmt.Errorf("must be a duration (did you mean %ss?)", value)
	}
	return errors.New("must be a duration, such as 500ms, 30s or 2m")
}

// value is a pflag.Value made of functions.
type value struct {
	set     func(string) error
	show    func() string
	kind    string
	choices []string
}

func (v *value) Set(s string) error { return v.set(s) }

func (v *value) Type() string { return v.kind }

func (v *value) String() string {
	if v.show == nil { // pflag asks a zero value for its default
		return ""
	}
	return v.show()
}

// Choices returns the values that completion offers.
func (v *value) Choices() []string { return v.choices }

// Duration returns the value of a flag for a duration of at least low. Its default is what d holds.
func Duration(d *time.Duration, low time.Duration) pflag.Value {
	return &value{kind: "DURATION", show: func() string { return short(*d) }, set: func(s string) error {
		v, err := time.ParseDuration(s)
		switch {
		case err != nil:
			return notADuration(s)
		case v < low && low == 0:
			return errors.New("must not be negative")
		case v < low && low == Positive:
			return errors.New("must be longer than 0")
		case v < low:
			return fmt.Errorf("must be at least %s", short(low))
		}
		*d = v
		return nil
	}}
}

// Positive is the lowest duration that is not zero, for Duration.
const Positive time.Duration = 1

// short writes 2m0s as 2m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// Int returns the value of a flag for a whole number from low to high. Its default is what n holds.
func Int(n *int, low, high int) pflag.Value {
	return &value{kind: "N", show: func() string { return strconv.Itoa(*n) }, set: func(s string) error {
		v, err := strconv.Atoi(s)
		switch {
		case errors.Is(err, strconv.ErrRange):
		case err != nil:
			return errors.New("must be a whole number")
		case low <= v && v <= high:
			*n = v
			return nil
		}
		if high == math.MaxInt {
			return fmt.Errorf("must be at least %d", low)
		}
		return fmt.Errorf("must be from %d to %d", low, high)
	}}
}

// IDs returns the value of a repeatable flag for process ids or inode numbers: 17 or 17,18. It refuses 0.
func IDs(ids *[]uint) pflag.Value {
	show := func() string {
		var all []string
		for _, id := range *ids {
			all = append(all, strconv.FormatUint(uint64(id), 10))
		}
		return strings.Join(all, ",")
	}
	return &value{kind: "N,...", show: show, set: func(s string) error {
		var all []uint
		for part := range strings.SplitSeq(s, ",") {
			v, err := strconv.ParseUint(strings.TrimSpace(part), 10, 32)
			if err != nil || v == 0 {
				return fmt.Errorf("must be a number from 1 to %d, or several with commas between",
					uint32(math.MaxUint32))
			}
			all = append(all, uint(v))
		}
		*ids = append(*ids, all...)
		return nil
	}}
}

// Globs returns the value of a repeatable flag for patterns as of path.Match: web-* or web-*,db-?. Each must pass the
// checks.
func Globs(globs *[]string, checks ...func(string) error) pflag.Value {
	return &value{
		kind: "GLOB,...", show: func() string { return strings.Join(*globs, ",") },
		set: func(s string) error {
			for g := range strings.SplitSeq(s, ",") {
				if _, err := path.Match(g, ""); err != nil || g == "" {
					return fmt.Errorf("%q is not a pattern of *, ? and [a-z]", g)
				}
				for _, check := range checks {
					if err := check(g); err != nil {
						return err
					}
				}
				*globs = append(*globs, g)
			}
			return nil
		},
	}
}

// Choice returns the value of a flag for one of some words. Its default is what s holds.
func Choice(s *string, words ...string) pflag.Value {
	return &value{
		kind: strings.Join(words, "|"), choices: words, show: func() string { return *s },
		set: func(v string) error {
			if !slices.Contains(words, v) {
				return fmt.Errorf("must be %s%s", or(words), DidYouMean(v, words))
			}
			*s = v
			return nil
		},
	}
}

// Choices returns the value of a repeatable flag for some of several words. The first use replaces the default.
func Choices(list *[]string, words ...string) pflag.Value {
	given := false
	return &value{
		kind: strings.Join(words, "|") + ",...", choices: words,
		show: func() string { return strings.Join(*list, ",") },
		set: func(s string) error {
			all := strings.Split(s, ",")
			for _, v := range all {
				if !slices.Contains(words, v) {
					return fmt.Errorf("must be %s%s", or(words), DidYouMean(v, words))
				}
			}
			if given {
				all = append(*list, all...)
			}
			*list, given = all, true
			return nil
		},
	}
}

// Checked returns the value of a flag for text that check accepts. Its default is what s holds.
func Checked(s *string, kind string, check func(string) error) pflag.Value {
	return &value{kind: kind, show: func() string { return *s }, set: func(v string) error {
		if err := check(v); err != nil {
			return err
		}
		*s = v
		return nil
	}}
}

// Percent returns the value of a flag for a percentage above 0 and up to 100, as 2% or 2. It sets share to a number
// where 1 is 100 %.
func Percent(share *float64) pflag.Value {
	show := func() string {
		if *share == 0 {
			return ""
		}
		return strconv.FormatFloat(100**share, 'g', -1, 64) + "%"
	}
	return &value{kind: "PERCENT", show: show, set: func(s string) error {
		v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "%")), 64)
		if err != nil || !(v > 0 && v <= 100) { // written so that NaN is refused
			return errors.New("must be a percentage above 0 and up to 100, such as 2%")
		}
		*share = v / 100
		return nil
	}}
}

// or joins words for a sentence: "text or json".
func or(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// File returns the value of a flag for a file that must exist. Its default is what name holds.
func File(name *string) pflag.Value { return existing(name, "FILE", false) }

// Directory returns the value of a flag for a directory that must exist. Its default is what name holds.
func Directory(name *string) pflag.Value { return existing(name, "DIRECTORY", true) }

func existing(name *string, kind string, directory bool) pflag.Value {
	return &value{kind: kind, show: func() string { return *name }, set: func(s string) error {
		info, err := os.Stat(s)
		var cause *fs.PathError
		switch {
		case errors.As(err, &cause):
			return cause.Err
		case err != nil:
			return err
		case directory && !info.IsDir():
			return errors.New("is not a directory")
		case !directory && info.IsDir():
			return errors.New("is a directory")
		}
		*name = s
		return nil
	}}
}
