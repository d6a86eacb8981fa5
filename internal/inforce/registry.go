// Package inforce knows which enforcer owns a BPF LSM program and which rules are in force. All parts of lsmprof ask
// one Registry, so that each product's maps are opened once.
package inforce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

// Registry identifies enforcers and keeps the maps with their rules open. It implements tracer.Enforcers. Its methods
// are safe for concurrent use. After Close, the next reading opens the maps again.
type Registry struct {
	source     *enforcer.RuleSource // rules of unknown enforcers; nil: their number is unknown
	sourceUsed bool                 // by an enforcer

	mu       sync.Mutex
	images   Images    // nil: no container runtime to ask
	links    []link.ID // when the programs were listed
	programs []tracer.Program
	owners   map[ebpf.ProgramID]string
	readers  map[string]openReader   // by enforcer
	versions map[string]knownVersion // by enforcer
	arrays   map[ebpf.MapID]mapSize  // the sizes of arrays, as of the last call of Resources
}

type openReader struct {
	enforcer.Reader
	programs []ebpf.ProgramID // whose rules it reads
}

// New returns a Registry that has not looked at the machine yet. The source says where enforcers that lsmprof does not
// know keep their rules. It may be nil.
func New(source *enforcer.RuleSource) *Registry { return &Registry{source: source} }

// Look lists the LSM programs that are loaded, by id, and identifies their enforcers. It needs root.
func (r *Registry) Look() ([]tracer.Program, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.look(); err != nil {
		return nil, err
	}
	return slices.Clone(r.programs), nil
}

// look lists the programs, unless the links are the same as at the last look.
func (r *Registry) look() error {
	links, err := lsm.LinkIDs()
	if err != nil {
		return err
	}
	if r.links != nil && slices.Equal(links, r.links) {
		return nil
	}
	programs, err := tracer.Programs()
	if err != nil {
		return err
	}
	r.identify(programs)
	// The links were listed before the programs: a link that was made in between causes one more look.
	r.links = links
	return nil
}

// Identify finds the enforcers that own the programs, which must be all that are loaded.
func (r *Registry) Identify(programs []tracer.Program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.identify(programs)
	r.links = nil
}

func (r *Registry) identify(programs []tracer.Program) {
	r.programs, r.owners = programs, make(map[ebpf.ProgramID]string, len(programs))
	var unknown []tracer.Program
	for _, p := range programs {
		if product, ok := productOf(p); ok {
			r.owners[p.ID] = product.Name
		} else {
			unknown = append(unknown, p)
		}
	}
	for name, group := range groups(unknown) {
		for _, p := range group {
			r.owners[p.ID] = name
		}
	}
}

// productOf returns the product that owns a program, and whether there is one.
func productOf(p tracer.Program) (enforcer.Product, bool) {
	all := enforcer.All()
	i := slices.IndexFunc(all, func(product enforcer.Product) bool { return product.Owns(p) })
	if i < 0 {
		return enforcer.Product{}, false
	}
	return all[i], true
}

// Owner returns the name of the enforcer that owns a program: a product, or generic:COMMAND for an unknown one. It is
// tracer.Generic if the program was not loaded at the last look.
func (r *Registry) Owner(p tracer.Program) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name, ok := r.owners[p.ID]; ok {
		return name
	}
	return tracer.Generic
}

// Reading is what was in force at one moment.
type Reading struct {
	Enforcers []Enforcer // those with an attached program, by name
}

// Enforcer is an enforcer with what it has in force.
type Enforcer struct {
	Name string // "varmor", "generic:acme"
	// Version of the product, such as "v0.10.3", or a range such as "v0.9 to v0.10"; "" if unknown.
	Version  string
	Programs []tracer.Program // attached, by id
	// RulesKnown is set if lsmprof knows where the rules are and could read them. Policies then holds them.
	RulesKnown bool
	Policies   enforcer.Policies
	Err        error // why rules that lsmprof knows could not be read
}

// IDs returns the ids of the attached programs in ascending order.
func (e Enforcer) IDs() []ebpf.ProgramID {
	ids := make([]ebpf.ProgramID, len(e.Programs))
	for i, p := range e.Programs {
		ids[i] = p.ID
	}
	return ids
}

// Err returns why rules could not be read, of all enforcers.
func (r Reading) Err() error {
	var all []error
	for _, e := range r.Enforcers {
		all = append(all, e.Err)
	}
	return errors.Join(all...)
}

// Find returns an enforcer by name, and whether it has an attached program.
func (r Reading) Find(name string) (Enforcer, bool) {
	i := slices.IndexFunc(r.Enforcers, func(e Enforcer) bool { return e.Name == name })
	if i < 0 {
		return Enforcer{}, false
	}
	return r.Enforcers[i], true
}

// Read looks at the machine, and reads which enforcers of which version are attached and all rules that are in force.
// The error says why the programs could not be listed; Reading.Err says why rules could not be read.
func (r *Registry) Read() (Reading, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.look(); err != nil {
		return Reading{}, err
	}
	reading := r.read()
	r.addVersions(reading.Enforcers)
	return reading, nil
}

// ReadRules reads the rules of the programs of the last look.
func (r *Registry) ReadRules() []tracer.RuleReading {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []tracer.RuleReading
	for _, e := range r.read().Enforcers {
		if e.RulesKnown || e.Err != nil {
			all = append(all, tracer.RuleReading{
				Enforcer: e.Name, Programs: e.IDs(), Policies: e.Policies, Err: e.Err,
			})
		}
	}
	return all
}

func (r *Registry) read() Reading {
	attached := map[string][]tracer.Program{}
	for _, p := range r.programs {
		if p.Attached() {
			name := r.owners[p.ID]
			attached[name] = append(attached[name], p)
		}
	}
	for name := range r.readers {
		if len(attached[name]) == 0 {
			r.close(name)
		}
	}
	var out Reading
	for _, name := range slices.Sorted(maps.Keys(attached)) {
		e := Enforcer{Name: name, Programs: attached[name]}
		r.readRules(&e)
		out.Enforcers = append(out.Enforcers, e)
	}
	return out
}

// readRules fills in the rules of an enforcer. Maps that cannot be read are closed: they may be those of programs that
// are gone.
func (r *Registry) readRules(e *Enforcer) {
	reader, err := r.reader(e.Name, e.Programs)
	if err == nil && reader != nil {
		e.Policies, err = reader.Read()
		e.RulesKnown = err == nil
	}
	if err != nil {
		e.Err = fmt.Errorf("read the rules of %s: %w", e.Name, err)
		r.close(e.Name)
	}
}

// reader returns the reader of an enforcer's rules, which is kept while the same programs are attached. It is nil if
// it is unknown where the rules are.
func (r *Registry) reader(name string, programs []tracer.Program) (enforcer.Reader, error) {
	ids := Enforcer{Programs: programs}.IDs()
	if open, ok := r.readers[name]; ok {
		if slices.Equal(open.programs, ids) {
			return open, nil
		}
		r.close(name)
	}
	reader, err := r.open(programs)
	if err != nil || reader == nil {
		return nil, err
	}
	if r.readers == nil {
		r.readers = map[string]openReader{}
	}
	r.readers[name] = openReader{reader, ids}
	return reader, nil
}

func (r *Registry) open(programs []tracer.Program) (enforcer.Reader, error) {
	if product, ok := productOf(programs[0]); ok {
		if slices.ContainsFunc(programs, func(p tracer.Program) bool { return p.Refused }) {
			return nil, errors.New("its programs refuse to be opened")
		}
		return product.Open(programs)
	}
	if s := r.source; s != nil && (s.Map == "" || s.UsedBy(programs)) {
		r.sourceUsed = true
		return s.Open(programs)
	}
	return nil, nil
}

// SourceUnused reports whether New was given a source of rules that no enforcer has needed yet: lsmprof knows where
// each has its rules, or none has the map.
func (r *Registry) SourceUnused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source != nil && !r.sourceUsed
}

func (r *Registry) close(name string) error {
	open, ok := r.readers[name]
	if !ok {
		return nil
	}
	delete(r.readers, name)
	return open.Close()
}

// Close closes the maps.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []error
	for name := range r.readers {
		all = append(all, r.close(name))
	}
	return errors.Join(all...)
}
