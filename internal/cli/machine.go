package cli

import (
	"cmp"
	"os"

	"github.com/lsmprof/lsmprof/internal/cmdline"
)

// hostFlag says whether results carry the name of the machine.
type hostFlag struct{ without bool }

func (h *hostFlag) flags(f *cmdline.Flags) {
	f.Group(cmdline.Advanced)
	f.BoolVar(&h.without, "no-host", false, "Leave the name of this machine out of results. By default they "+
		"carry NODE_NAME from the environment or else the host name.")
}

// name returns the name that results carry, or "".
func (h *hostFlag) name() string {
	if h.without {
		return ""
	}
	host, _ := os.Hostname()
	return cmp.Or(os.Getenv("NODE_NAME"), host)
}
