package container

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cri"
)

// find returns the running container with the given name: an id, which may be cut short, or NAMESPACE/POD[/CONTAINER].
func find(all []cri.Container, name string) (found cri.Container, err error) {
	var matches []string
	for _, c := range all {
		full := c.Namespace + "/" + c.Pod + "/" + c.Name
		if c.Name == "" || !strings.HasPrefix(c.ID, name) && full != name && full != name+"/"+c.Name {
			continue
		}
		found = c
		matches = append(matches, fmt.Sprintf("%s (%.12s)", full, c.ID))
	}
	slices.Sort(matches)
	switch {
	case len(matches) == 0:
		return found, fmt.Errorf("no running container %s; `crictl ps` lists them", name)
	case len(matches) > 1:
		return found, fmt.Errorf("%s matches several containers: %s", name, strings.Join(matches, ", "))
	case found.PID == 0:
		return found, fmt.Errorf("%s: the runtime does not report its process", matches[0])
	}
	return found, nil
}
