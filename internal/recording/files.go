package recording

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// RulesPath returns where the profile of single rules is: lsmprof.rules.pb.gz beside lsmprof.pb.gz.
func RulesPath(path string) string {
	for _, ext := range []string{".pb.gz", ".gz", ".pb"} {
		if base, ok := strings.CutSuffix(path, ext); ok {
			return base + ".rules" + ext
		}
	}
	return path + ".rules"
}

// SourcesPath returns the folder of the sources of a profile: lsmprof.sources for lsmprof.pb.gz.
func SourcesPath(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".pb") + ".sources"
}

// WriteSources writes the lines of the sampled programs to the folder beside their profile, and returns its path; "" if
// it wrote none. Lines without instructions are empty. Paths come from the programs. If some files cannot be written,
// for example because another file has the name of their folder, it writes the others and returns an error with their
// number.
func WriteSources(profilePath string, in *profile.Inside) (dir string, err error) {
	files := in.SourceFiles()
	if len(files) == 0 {
		return "", nil
	}
	dir = SourcesPath(profilePath)
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := atomicfile.MkdirAll(filepath.Dir(path))
		if err == nil {
			err = atomicfile.WriteString(path, files[name])
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		err = fmt.Errorf("%s not written, the first because: %w", text.Plural(len(failed), "source file"),
			failed[0])
	}
	if len(failed) == len(files) {
		dir = ""
	}
	return dir, err
}
