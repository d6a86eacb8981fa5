package fleet

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Limits of a profile. Ten thousand rows have some 5 MiB without compression.
const (
	MaxCompressed = 8 << 20
	maxInflated   = 64 << 20
	maxStrings    = 1 << 20
)

// Profile is what the profile of a node says.
type Profile struct {
	Host     string // empty: the profile does not say
	Version  string // of lsmprof
	Kernel   string
	Start    time.Time // zero: the profile does not say
	Seconds  float64
	Warnings []string
	Costs    map[Part]Cost
}

// Decoder reads profiles, one after the other. It keeps the memory that the largest took. The zero value is ready.
type Decoder struct{ compressed, inflated bytes.Buffer }

// Decode reads a profile that `lsmprof record` or `lsmprof serve` wrote, compressed or not. Package profile of pprof
// would build an object for each sample and label, which takes ten times as long.
func (d *Decoder) Decode(r io.Reader) (*Profile, error) {
	data, err := readAll(&d.compressed, r, MaxCompressed, "compressed")
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("inflate the profile: %w", err)
		}
		if data, err = readAll(&d.inflated, z, maxInflated, "inflated"); err != nil {
			return nil, fmt.Errorf("inflate the profile: %w", err)
		}
	}
	var m message
	if err := m.header(data); err != nil {
		return nil, err
	}
	return m.profile(data)
}

func readAll(b *bytes.Buffer, r io.Reader, most int64, what string) ([]byte, error) {
	b.Reset()
	n, err := b.ReadFrom(io.LimitReader(r, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("the %s profile has more than %d MiB", what, most>>20)
	}
	return b.Bytes(), err
}

// message holds what the samples of a profile refer to.
type message struct {
	strings  []string
	types    []uint64 // names of the sample types
	comments []uint64
	start    uint64
	nanos    uint64
	values   [3]int // indices of calls, denials and hook time among the values
	keys     [partFields][]uint64
}

// header reads everything but the samples: the strings that they refer to come last.
func (m *message) header(data []byte) error {
	err := eachField(data, func(f field) (err error) {
		switch f.number {
		case 1: // sample_type
			name := uint64(0)
			err = eachField(f.data, func(f field) error {
				if f.number == 1 {
					name = f.value
				}
				return nil
			})
			m.types = append(m.types, name)
		case 6: // string_table
			if len(m.strings) == maxStrings {
				return fmt.Errorf("the profile has more than %d strings", maxStrings)
			}
			m.strings = append(m.strings, string(f.data))
		case 9: // time_nanos
			m.start = f.value
		case 10: // duration_nanos
			m.nanos = f.value
		case 13: // comment
			m.comments, err = f.numbers(m.comments)
		}
		return err
	})
	if err != nil {
		return err
	}
	// Earlier versions called the time in hooks hook.
	for i, names := range [][]string{{"calls"}, {"denials"}, {profile.HookTime, "hook"}} {
		m.values[i] = -1
		for j, t := range m.types {
			if slices.Contains(names, m.string(t)) {
				m.values[i] = j
			}
		}
	}
	if m.values[0] < 0 || m.values[2] < 0 {
		return fmt.Errorf("not a profile of lsmprof: it has no sample types calls and %s", profile.HookTime)
	}
	for i, names := range partLabels {
		for _, name := range names {
			for id, s := range m.strings {
				if s == name {
					m.keys[i] = append(m.keys[i], uint64(id))
				}
			}
		}
	}
	return nil
}

// string returns a string of the table, or nothing if there is none.
func (m *message) string(id uint64) string {
	if id < uint64(len(m.strings)) {
		return m.strings[id]
	}
	return ""
}

// profile reads the samples.
func (m *message) profile(data []byte) (*Profile, error) {
	costs := map[[partFields]uint64]Cost{}
	var values []uint64
	err := eachField(data, func(f field) error {
		if f.number != 2 {
			return nil
		}
		var part [partFields]uint64
		values = values[:0]
		err := eachField(f.data, func(f field) (err error) {
			switch f.number {
			case 2:
				values, err = f.numbers(values)
			case 3:
				err = m.label(f.data, &part)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(values) != len(m.types) {
			return fmt.Errorf("not a pprof profile: a sample has %d values, not %d", len(values),
				len(m.types))
		}
		c := costs[part]
		for i, to := range []*int64{&c.Calls, &c.Denials, &c.Ns} {
			if at := m.values[i]; at >= 0 {
				if int64(values[at]) < 0 {
					return errors.New("the profile is a difference of two: it has values below 0")
				}
				*to += int64(values[at])
			}
		}
		if c.Calls < 0 || c.Denials < 0 || c.Ns < 0 {
			return errors.New("the profile's sums are too large")
		}
		costs[part] = c
		if len(costs) > maxParts {
			return fmt.Errorf("the profile has more than %d kinds of calls", maxParts)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.named(costs)
}

// label notes the value of a label that tells calls apart.
func (m *message) label(data []byte, part *[partFields]uint64) error {
	var key, value uint64
	err := eachField(data, func(f field) error {
		switch f.number {
		case 1:
			key = f.value
		case 2:
			value = f.value
		}
		return nil
	})
	for i, keys := range m.keys {
		for _, k := range keys {
			if k == key && value != 0 {
				part[i] = value
			}
		}
	}
	return err
}

// named replaces numbers of strings by the strings.
func (m *message) named(costs map[[partFields]uint64]Cost) (*Profile, error) {
	p := &Profile{Seconds: float64(int64(m.nanos)) / 1e9, Costs: make(map[Part]Cost, len(costs))}
	if !(p.Seconds > 0) {
		return nil, errors.New("the profile does not say how long it took: nodes are compared per second")
	}
	if start := int64(m.start); start > 0 {
		p.Start = time.Unix(0, start).UTC()
	}
	for ids, c := range costs {
		var part Part
		for i, id := range ids {
			part[i] = text.Printable(m.string(id))
		}
		if c != (Cost{}) {
			p.Costs[part] = c.Plus(p.Costs[part])
		}
	}
	for _, id := range m.comments {
		comment := text.Printable(m.string(id))
		for prefix, to := range map[string]*string{
			"host: ": &p.Host, "lsmprof: ": &p.Version, "kernel: ": &p.Kernel,
		} {
			if value, ok := strings.CutPrefix(comment, prefix); ok {
				*to = value
			}
		}
		if warning, ok := strings.CutPrefix(comment, "warning: "); ok && len(p.Warnings) < 20 {
			p.Warnings = append(p.Warnings, warning)
		}
	}
	return p, nil
}
