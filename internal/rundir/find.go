package rundir

import (
	"os"
	"path/filepath"
	"slices"
)

// Is reports whether path is a run directory.
func Is(path string) bool {
	_, err := os.Stat(filepath.Join(path, InfoFile))
	return err == nil
}

// Find returns path if it is a run directory or a file, and otherwise all run directories and profiles in it.
func Find(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || Is(path) {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		path := filepath.Join(path, e.Name())
		if Is(path) || slices.Contains([]string{".gz", ".pb", ".pprof"}, filepath.Ext(path)) {
			found = append(found, path)
		}
	}
	return found, nil
}
