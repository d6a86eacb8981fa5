package score

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	versionLine = regexp.MustCompile(`^\s*BYTE UNIX Benchmarks \(Version ([^)]+)\)`)
	copiesLine  = regexp.MustCompile(`^(\d+) CPUs? in system; running (\d+) parallel cop(?:y|ies) of tests$`)
	resultLine  = regexp.MustCompile(`^(.+?)\s+([\d.]+) (lps|lpm|KBps|MWIPS|fps|score)\s+\(([\d.]+) s, (\d+) samples\)$`)
	indexLine   = regexp.MustCompile(`^(.+?)\s+(?:[\d.]+|---)\s+([\d.]+)\s+([\d.]+|---)$`)
	systemLine  = regexp.MustCompile(`^System Benchmarks Index Score( \(Partial Only\))?\s+([\d.]+)$`)
)

// importReport reads the text report. Around it there may be what Run prints, make's words included.
func importReport(data []byte) (*Report, error) {
	r := &Report{}
	var section *Section
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, " \r\n")
		if m := versionLine.FindStringSubmatch(line); m != nil {
			r.Version = m[1]
			continue
		}
		if m := copiesLine.FindStringSubmatch(line); m != nil {
			cpus, _ := strconv.Atoi(m[1])
			copies, _ := strconv.Atoi(m[2])
			r.Sections = append(r.Sections, Section{CPUs: cpus, Copies: copies})
			section = &r.Sections[len(r.Sections)-1]
			continue
		}
		if section == nil {
			continue
		}
		if err := section.reportLine(line); err != nil {
			return nil, fmt.Errorf("%.200q: %w", line, err)
		}
	}
	return r, nil
}

func (s *Section) reportLine(line string) error {
	if m := resultLine.FindStringSubmatch(line); m != nil {
		return s.addResult(m)
	}
	// Before indexLine, which would take it for a test's.
	if m := systemLine.FindStringSubmatch(line); m != nil {
		s.Partial = m[1] != ""
		var err error
		s.System, err = parseDecimal(m[2])
		return err
	}
	if m := indexLine.FindStringSubmatch(line); m != nil && m[3] != "---" {
		return s.addIndex(m[1], m[3])
	}
	return nil
}

func (s *Section) addResult(m []string) error {
	score, err := parseDecimal(m[2])
	if err != nil {
		return err
	}
	time, err := parseDecimal(m[4])
	if err != nil {
		return err
	}
	samples, err := strconv.Atoi(m[5])
	if err != nil {
		return fmt.Errorf("samples: %w", err)
	}
	s.Tests = append(s.Tests, Imported{Label: m[1], Score: score, Unit: m[3], Time: time, Samples: samples})
	return nil
}

func (s *Section) addIndex(label, index string) error {
	for i := range s.Tests {
		if s.Tests[i].Label == label {
			v, err := parseDecimal(index)
			s.Tests[i].Index = v
			return err
		}
	}
	return nil
}
