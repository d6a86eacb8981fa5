package cmdline

import (
	"errors"
	"slices"
	"strings"
)

// Destination says where the result of a command goes and in which form.
type Destination struct {
	Path   string // of --output; "" or "-": stdout
	Format string // of --format
	// Note is for the user if -o named a format instead of a file, else "".
	Note string
}

// JSON reports whether the format is json.
func (d *Destination) JSON() bool { return d.Format == "json" }

// Flags declares --output (-o), --format and --json in the group Output. The format defaults to the first of formats.
// For compatibility -o also takes a name of a format, with a Note.
func (d *Destination) Flags(f *Flags, usage string, formats ...string) {
	f.Group(Output)
	f.VarP(&outputValue{d, formats}, "output", "o", usage)
	d.FormatFlags(f, formats...)
}

// FormatFlags declares --format and --json alone, for a command whose result cannot go to a file.
func (d *Destination) FormatFlags(f *Flags, formats ...string) {
	d.Format = formats[0]
	f.Var(Choice(&d.Format, formats...), "format", "Print the result in this form.")
	if slices.Contains(formats, "json") {
		f.Var(&jsonValue{&d.Format, formats[0]}, "json", "The same as --format json.")
		f.Lookup("json").NoOptDefVal = "true"
		f.Same("format", "json")
	}
}

// outputValue is --output.
type outputValue struct {
	to      *Destination
	formats []string
}

func (v *outputValue) Set(s string) error {
	if slices.Contains(v.formats, s) {
		v.to.Format = s
		v.to.Note = "-o " + s + " means --format " + s + "; for a file of that name write -o ./" + s
		return nil
	}
	v.to.Path = s
	return nil
}

func (v *outputValue) Type() string { return "FILE" }

func (v *outputValue) String() string {
	if v.to == nil {
		return ""
	}
	return v.to.Path
}

// jsonValue is --json, which is a short form of --format json.
type jsonValue struct {
	format *string
	other  string
}

func (v *jsonValue) Set(s string) error {
	switch s {
	case "true", "1":
		*v.format = "json"
	case "false", "0":
		*v.format = v.other
	default:
		return errors.New("must be true or false")
	}
	return nil
}

func (v *jsonValue) Type() string { return "bool" }

func (v *jsonValue) IsBoolFlag() bool { return true }

func (v *jsonValue) String() string {
	if v.format == nil || !strings.EqualFold(*v.format, "json") {
		return "false"
	}
	return "true"
}
