package bench

import (
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// InForceReader reads which enforcers are attached and which rules they have in force, machine-wide. Its answer comes
// from the enforcers' maps: what lsmprof itself asked an enforcer to do is not taken as proof that it is done.
type InForceReader interface {
	Read() (inforce.Reading, error)
	Close() error
}

// readInForce is a reading in which the rules of every known enforcer could be read.
func readInForce(r InForceReader) (inforce.Reading, error) {
	now, err := r.Read()
	if err == nil {
		err = now.Err()
	}
	return now, err
}

// summarize returns what a reading shows for some mount namespaces. It fails if these have different rules.
func summarize(r inforce.Reading, mntns []uint32) (rundir.InForce, error) {
	f := rundir.InForce{Programs: map[string]int{}, Policies: map[string]enforcer.Rules{}}
	for _, e := range r.Enforcers {
		f.Programs[e.Name] = len(e.Programs)
		for i, ns := range mntns {
			policy, confined := e.Policies.Of(ns)
			if first, known := f.Policies[e.Name]; i > 0 && (known != confined || first != policy.Rules) {
				return f, fmt.Errorf("mount namespaces %d and %d have different rules", mntns[0], ns)
			}
			if confined {
				f.Policies[e.Name] = policy.Rules
			}
		}
	}
	return f, nil
}

// difference says how a later reading differs for some mount namespaces. It returns "" if it does not.
func difference(before, after inforce.Reading, mntns []uint32) string {
	sameEnforcer := func(a, b inforce.Enforcer) bool { return a.Name == b.Name && slices.Equal(a.IDs(), b.IDs()) }
	if !slices.EqualFunc(before.Enforcers, after.Enforcers, sameEnforcer) {
		return "programs were attached or detached"
	}
	for i, e := range before.Enforcers {
		for _, ns := range mntns {
			if e.Policies.Generation(ns) != after.Enforcers[i].Policies.Generation(ns) {
				return fmt.Sprintf("the rules of %s for mount namespace %d were replaced", e.Name, ns)
			}
		}
	}
	return ""
}
