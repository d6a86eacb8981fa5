package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// ReadSources reads several SCENARIO=FILE. Files without a scenario must have different names.
func ReadSources(args []string) (sources []Source, err error) {
	unnamed := map[string]string{} // files by the scenario that their names give
	for _, arg := range args {
		source, err := readSource(arg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		if !strings.Contains(arg, "=") {
			if other, taken := unnamed[source.Scenario]; taken {
				return nil, fmt.Errorf("%s: this file and %s would both be scenario %s: name "+
					"them, as in old=%s",
					arg, other, source.Scenario, arg)
			}
			unnamed[source.Scenario] = arg
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// readSource reads SCENARIO=FILE. Without a scenario the file's name is used.
func readSource(s string) (Source, error) {
	scenario, file, named := strings.Cut(s, "=")
	if !named {
		file = s
		scenario = withoutExtension(filepath.Base(s))
	}
	if scenario == "" || file == "" {
		return Source{}, errors.New("want SCENARIO=FILE")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Source{}, err
	}
	report, err := score.Import(bytes.NewReader(data), "")
	return Source{Scenario: scenario, Name: file, Data: data, Report: report}, err
}

// withoutExtension removes the extensions that Run gives its files. Anything else after a dot belongs to the name of
// the host, after which Run names its files: "node.example.com-2026-01-02-01".
func withoutExtension(name string) string {
	for _, ext := range []string{".log", ".csv", ".html", ".txt"} {
		if base := strings.TrimSuffix(name, ext); base != name && base != "" {
			return base
		}
	}
	return name
}
