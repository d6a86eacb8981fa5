package container

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cri"
)

// userOf returns the user that the runtime runs a container's programs as.
func userOf(c cri.Container) (as user, err error) {
	ids := fmt.Sprintf("/proc/%d/", c.PID)
	var all [3]error
	as.uid, all[0] = hostID(ids+"uid_map", c.UID)
	as.gid, all[1] = hostID(ids+"gid_map", c.GID)
	as.root, all[2] = hostID(ids+"uid_map", 0)
	return as, errors.Join(all[:]...)
}

// hostID translates an id of a user namespace, whose map is in file, into the id of the host.
func hostID(file string, id int) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var inside, outside, n int
		if _, err := fmt.Sscan(strings.TrimSpace(lines.Text()), &inside, &outside, &n); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		if id >= inside && id-inside < n {
			return outside + id - inside, nil
		}
	}
	return 0, fmt.Errorf("%s does not map id %d", file, id)
}
