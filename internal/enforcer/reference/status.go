package reference

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/text"
)

// StatusSchema is the schema of Status.
const StatusSchema = "lsmprof/enforce/v1"

// Status is what is in force, as a line of `enforce --json`. Fields are only ever added.
type Status struct {
	Schema   string      `json:"schema"`
	State    string      `json:"state"`
	MntNS    []uint32    `json:"mntns"`
	Rules    rules.Rules `json:"rules"`
	Programs []Program   `json:"programs"`
}

// WriteStatus writes as a line of JSON what is in force.
func (e *Enforcer) WriteStatus(w io.Writer, p Policy, t Targets) error {
	programs, err := e.Programs()
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(Status{StatusSchema, "enforcing", t.MntNS(), p.Rules(), programs})
}

// WriteStatusText writes as a sentence what is in force on the targets.
func WriteStatusText(w io.Writer, p Policy, t Targets) error {
	_, err := fmt.Fprintf(w, "enforcing %s on %s; Ctrl-C ends it\n", DescribeRules(p.Rules()), someOf(t.Names()))
	return err
}

// someOf names at most eight: on a large node a sentence cannot hold them all.
func someOf(names []string) string {
	const most = 8
	if n := len(names); n > most {
		names = append(slices.Clone(names[:most]), text.Thousands(n-most)+" more")
	}
	return text.List(names)
}
