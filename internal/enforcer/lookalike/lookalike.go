// Package lookalike holds small enforcers with the programs, maps and layouts of real products, so that tests can
// run against each product on any kernel. docs/enforcers.md says what was measured with the products themselves.
package lookalike

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Enforcer is an attached look-alike.
type Enforcer struct {
	*ebpf.Collection
	spec  *ebpf.CollectionSpec
	links []link.Link
}

// Option changes a look-alike before it is loaded.
type Option func(*ebpf.CollectionSpec)

// Load loads and attaches a look-alike. spec is one of the generated Load functions. The caller must call Close.
func Load(spec func() (*ebpf.CollectionSpec, error), options ...Option) (e *Enforcer, err error) {
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 BPF memory counts against it
		return nil, err
	}
	e = &Enforcer{}
	if e.spec, err = spec(); err != nil {
		return nil, err
	}
	for _, change := range options {
		change(e.spec)
	}
	if e.Collection, err = ebpf.NewCollectionWithOptions(e.spec,
		ebpf.CollectionOptions{Cache: lsm.KernelTypes}); err != nil {
		return nil, err
	}
	for name, p := range e.Programs {
		if strings.HasSuffix(name, "_process_filter") {
			continue // runs only as a tail call
		}
		l, err := link.AttachLSM(link.LSMOptions{Program: p})
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("attach %s: %w", name, err)
		}
		e.links = append(e.links, l)
	}
	return e, nil
}

// Inner gives the named maps of maps inner hash maps with keys and values of the given sizes, in bytes.
func Inner(key, value, entries uint32, names ...string) Option {
	return func(spec *ebpf.CollectionSpec) {
		for _, name := range names {
			spec.Maps[name].InnerMap = &ebpf.MapSpec{
				Type: ebpf.Hash, KeySize: key, ValueSize: value, MaxEntries: entries,
			}
		}
	}
}

// Values gives the values of a map another size, in bytes.
func Values(name string, size uint32) Option {
	return func(spec *ebpf.CollectionSpec) { spec.Maps[name].ValueSize = size }
}

// Hook moves a program to another hook.
func Hook(hook string) Option {
	return func(spec *ebpf.CollectionSpec) {
		for _, p := range spec.Programs {
			p.AttachTo = hook
		}
	}
}

// Put gives a key of a map of maps a new inner map with these entries, as products do when a policy changes.
func (e *Enforcer) Put(outer string, key any, entries map[any]any) error {
	inner, err := ebpf.NewMap(e.spec.Maps[outer].InnerMap)
	if err != nil {
		return err
	}
	defer inner.Close() // the outer map keeps it
	for k, v := range entries {
		if err := inner.Put(k, v); err != nil {
			return err
		}
	}
	return e.Maps[outer].Put(key, inner)
}

// Close detaches and unloads the look-alike.
func (e *Enforcer) Close() error {
	var all error
	for _, l := range e.links {
		all = errors.Join(all, l.Close())
	}
	e.Collection.Close()
	return all
}
