package reference

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

const enforcing uint32 = 1

// Confine puts the policy in force in a mount namespace, given by its inode number, and replaces an earlier one.
// Every type of rules gets a new inner map, which is filled before programs can find it: a program walks either the
// old rules or the new ones. The id of the map tells them apart even if their number is the same.
func (e *Enforcer) Confine(mntns uint32, p Policy) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("confine mount namespace %d: %w", mntns, err)
		}
	}()
	if err := p.Check(); err != nil {
		return err
	}
	updates, err := e.build(p)
	defer func() {
		for _, u := range updates {
			u.inner.Close()
		}
	}()
	if err != nil {
		return err
	}
	if _, known := e.confined[mntns]; !known {
		defer func() {
			if err != nil {
				err = errors.Join(err, e.Release(mntns))
			}
		}()
	}
	e.confined[mntns] = struct{}{}
	return e.apply(mntns, p, updates)
}

// update is the new value of an outer map. Without an inner map there are no rules.
type update struct {
	outer, inner *ebpf.Map
}

func (e *Enforcer) build(p Policy) ([]update, error) {
	file, err1 := fillInner(e, bpf.EnforcerMapRefFileOuter, p.files())
	exec, err2 := fillInner(e, bpf.EnforcerMapRefExecOuter, p.execs())
	net, err3 := fillInner(e, bpf.EnforcerMapRefNetOuter, p.nets())
	mount, err4 := fillInner(e, bpf.EnforcerMapRefMountOuter, p.mounts())
	return []update{file, exec, net, mount}, errors.Join(err1, err2, err3, err4)
}

func fillInner[T any](e *Enforcer, name string, rules []T) (update, error) {
	u := update{outer: e.maps[name]}
	if len(rules) == 0 {
		return u, nil
	}
	inner, err := ebpf.NewMap(e.spec.Maps[name].InnerMap)
	if err != nil {
		return u, fmt.Errorf("create an inner map of %s: %w", name, lsm.ExplainLoad(err))
	}
	u.inner = inner
	for i := range rules {
		if err := inner.Put(uint32(i), &rules[i]); err != nil {
			return u, fmt.Errorf("fill an inner map of %s: %w", name, err)
		}
	}
	// Whoever finds the map can rely on its id: the rules behind an id never change.
	if err := inner.Freeze(); err != nil {
		return u, fmt.Errorf("freeze an inner map of %s: %w", name, err)
	}
	return u, nil
}

func (e *Enforcer) apply(mntns uint32, p Policy, updates []update) error {
	for _, u := range updates {
		if u.inner == nil {
			if err := remove(u.outer, mntns); err != nil {
				return err
			}
			continue
		}
		if err := u.outer.Put(mntns, u.inner); err != nil {
			return tooMany(err)
		}
	}
	e.serial++
	caps := bpf.EnforcerRefCapRules{Serial: e.serial, Denied: p.caps()}
	if err := e.maps[bpf.EnforcerMapRefCap].Put(mntns, &caps); err != nil {
		return tooMany(err)
	}
	ptrace := bpf.EnforcerRefPtraceRule{Serial: e.serial}
	if p.DenyPtrace {
		ptrace.Denied = bpf.EnforcerRefPtraceAccessREF_PTRACE_ATTACH
	}
	var err error
	if p.Rules().Ptrace > 0 {
		err = e.maps[bpf.EnforcerMapRefPtrace].Put(mntns, &ptrace)
	} else {
		err = remove(e.maps[bpf.EnforcerMapRefPtrace], mntns)
	}
	if err != nil {
		return tooMany(err)
	}
	return tooMany(e.maps[bpf.EnforcerMapRefMode].Put(mntns, enforcing))
}

// Release ends the confinement of a mount namespace. It does nothing if the namespace is not confined.
func (e *Enforcer) Release(mntns uint32) error {
	var all error
	// ref_mode goes first, because every hook looks there first.
	for _, name := range []string{
		bpf.EnforcerMapRefMode, bpf.EnforcerMapRefFileOuter, bpf.EnforcerMapRefExecOuter,
		bpf.EnforcerMapRefNetOuter, bpf.EnforcerMapRefMountOuter, bpf.EnforcerMapRefCap,
		bpf.EnforcerMapRefPtrace,
	} {
		all = errors.Join(all, remove(e.maps[name], mntns))
	}
	delete(e.confined, mntns)
	if all != nil {
		return fmt.Errorf("release mount namespace %d: %w", mntns, all)
	}
	return nil
}

func remove(m *ebpf.Map, mntns uint32) error {
	if err := m.Delete(mntns); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	return nil
}

func tooMany(err error) error {
	if errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("%w: at most 256 namespaces can be confined", unix.E2BIG)
	}
	return err
}
