package forecast

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Select returns the workloads whose name matches one of the globs; without globs all. A star also stands for slashes.
// It fails if there are none.
func Select(all []Workload, globs []string) ([]Workload, error) {
	if len(globs) == 0 {
		return all, nil
	}
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	var names []string
	selected := slices.DeleteFunc(slices.Clone(all), func(w Workload) bool {
		names = append(names, w.Name)
		return !slices.ContainsFunc(globs, func(glob string) bool {
			ok, _ := path.Match(flat(glob), flat(w.Name))
			return ok
		})
	})
	if len(selected) == 0 {
		const most = 10
		return nil, fmt.Errorf("selects none of the %s: %s", text.Plural(len(names), "workload"),
			text.List(names[:min(len(names), most)]))
	}
	return selected, nil
}
