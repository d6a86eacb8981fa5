package bench

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// ReadSource reads SCENARIO=FILE. Without a scenario the file's name is used.
func ReadSource(s string) (Source, error) {
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
