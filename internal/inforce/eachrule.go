package inforce

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// rulesOf returns the rules of a kind that a workload has, and whether they are known.
func rulesOf(all []Rules, enforcer string, mntns uint32, kind string) (some []rules.Rule, known bool) {
	i := slices.IndexFunc(all, func(r Rules) bool { return r.Enforcer == enforcer })
	if i < 0 || all[i].Err != nil {
		return nil, false
	}
	listed, ok := all[i].Rules[mntns]
	if !ok {
		listed, ok = all[i].Rules[tracer.AllWorkloads]
	}
	for _, r := range listed {
		if r.Kind == kind {
			some = append(some, r)
		}
	}
	return some, ok
}

// DescribeRules fills in the texts of the rules that a pass timed, and adds the rules that were never looked at and
// those that cannot be timed. before and after are the rules in force around the pass; warnings say whose rules
// changed.
func (r *Registry) DescribeRules(e *profile.EachRule, snap *profile.Snapshot, before, after []Rules) (
	warnings []string,
) {
	type walk struct {
		program  uint32
		function string
		mntns    uint32
	}
	seen, changed := map[walk]map[int]bool{}, map[uint32]bool{}
	known := func(name string, mntns uint32, kind string) ([]rules.Rule, bool) {
		was, ok1 := rulesOf(before, name, mntns, kind)
		is, ok2 := rulesOf(after, name, mntns, kind)
		same := slices.EqualFunc(was, is, func(a, b rules.Rule) bool { return a.Text == b.Text })
		if ok1 != ok2 || !same {
			changed[mntns] = true
			return nil, false
		}
		return is, ok1
	}
	byIndex := map[string]bool{}
	for _, name := range r.IndexedEnforcers() {
		byIndex[name] = true
	}
	for i := range e.Rows {
		r := &e.Rows[i]
		r.Kind = rules.KindOf(r.Program.Hook)
		r.ByIndex = byIndex[r.Program.Enforcer]
		w := walk{r.Program.ID, r.Function, r.Workload.MntNS}
		if seen[w] == nil {
			seen[w] = map[int]bool{}
		}
		seen[w][r.Rule] = true
		all, ok := known(r.Program.Enforcer, r.Workload.MntNS, r.Kind)
		switch {
		case ok && r.Rule < len(all):
			r.Text = all[r.Rule].Text
			if by := all[r.Rule].ShadowedBy; by != nil {
				r.ShadowedBy = *by
			}
		case ok:
			r.PastEnd = true
		}
	}
	for _, r := range slices.Clone(e.Rows) {
		all, _ := known(r.Program.Enforcer, r.Workload.MntNS, r.Kind)
		index := seen[walk{r.Program.ID, r.Function, r.Workload.MntNS}]
		for _, rule := range all {
			if index[rule.Index] {
				continue
			}
			index[rule.Index] = true
			never := r
			never.Rule, never.Text, never.PastEnd, never.ShadowedBy = rule.Index, rule.Text, false, -1
			never.Looks, never.Matches, never.Timed, never.Sum = 0, 0, 0, 0
			if rule.ShadowedBy != nil {
				never.ShadowedBy = *rule.ShadowedBy
			}
			e.Rows = append(e.Rows, never)
		}
	}
	r.addUntimed(e, snap, after)
	for _, mntns := range slices.Sorted(maps.Keys(changed)) {
		warnings = append(warnings, fmt.Sprintf("the rules of mount namespace %d changed during the pass, so "+
			"that their texts are unknown", mntns))
	}
	return warnings
}

// addUntimed adds the rules of programs that ran in the recording and whose rules have no times.
func (r *Registry) addUntimed(e *profile.EachRule, snap *profile.Snapshot, listed []Rules) {
	type walk struct{ program, mntns uint32 }
	done := map[walk]bool{}
	for _, r := range e.Rows {
		done[walk{r.Program.ID, r.Workload.MntNS}] = true
	}
	for _, row := range snap.Rows {
		p := snap.Programs[row.Program]
		w := walk{p.ID, row.Workload.MntNS}
		if done[w] || p.Scope != profile.ScopeProgram || row.Syscall == profile.SyscallOverflow {
			continue
		}
		done[w] = true
		kind := rules.KindOf(p.Hook)
		some, _ := rulesOf(listed, p.Enforcer, row.Workload.MntNS, kind)
		if len(some) == 0 {
			continue
		}
		u := profile.UntimedRules{
			Program:  profile.Program{ID: p.ID, Name: p.Name, Hook: p.Hook, Enforcer: p.Enforcer},
			Workload: row.Workload,
			Kind:     kind, Reason: r.UntimedReason(p.Enforcer, kind),
		}
		for _, rule := range some {
			u.Rules = append(u.Rules, rule.Text)
		}
		e.Untimed = append(e.Untimed, u)
	}
}
