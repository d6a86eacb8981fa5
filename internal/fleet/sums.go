package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Properties of calls, in the order of a Part.
const (
	Enforcer = iota
	Policy
	Namespace
	Hook
	Syscall
	Rules
	Program
	partFields
)

// partLabels are the labels that hold a property. Profiles for stores have the number of rules under another name.
var partLabels = [partFields][]string{
	{"enforcer"}, {"policy"}, {"namespace"}, {"hook"}, {"syscall"}, {"rule_count", "rules"}, {"program"},
}

const (
	maxParts = 50_000    // of a profile
	maxTotal = 4_000_000 // of all nodes
)

// Part says what calls have in common: one value for each property, empty if a profile does not say.
type Part [partFields]string

// Alike returns the part without the properties that say whose calls they are: calls that are alike do the same work.
func (p Part) Alike() Part {
	p[Policy], p[Namespace] = "", ""
	return p
}

// Compare orders parts.
func (p Part) Compare(o Part) int { return slices.Compare(p[:], o[:]) }

// Cost is what calls cost.
type Cost struct{ Calls, Denials, Ns int64 }

// Plus returns what the calls of both cost.
func (c Cost) Plus(o Cost) Cost { return Cost{c.Calls + o.Calls, c.Denials + o.Denials, c.Ns + o.Ns} }

// Node is a machine, with the sums of all its profiles.
type Node struct {
	Name     string
	Source   string // of its first profile
	Profiles int
	Seconds  float64
	Version  string
	Kernel   string
	Warnings []string

	id    string // host and address
	parts []partCost
}

type partCost struct {
	part uint32 // index into Sums.Parts
	Cost
}

// Sums are the costs of many nodes. The zero value has none. They are not safe for concurrent use.
type Sums struct {
	Nodes []*Node
	Parts []Part

	index map[Part]uint32
	names map[string]string // one copy of each
	total int
	seen  map[recording]string // source of each profile
}

// recording tells profiles of one node apart.
type recording struct {
	node    string
	start   int64 // UNIX time in ns
	seconds float64
	total   Cost
}

// Add adds a profile to its node: the machine that the profile names, or else its source. Profiles from different
// addresses are of different nodes, even if these have one name; address is empty for files. A profile that was added
// before is an error, and is not added again.
func (s *Sums) Add(source, address string, p *Profile) error {
	if s.total+len(p.Costs) > maxTotal {
		return fmt.Errorf("all profiles have more than %d kinds of calls: report on fewer nodes at once",
			maxTotal)
	}
	if s.index == nil {
		s.index, s.names, s.seen = map[Part]uint32{}, map[string]string{}, map[recording]string{}
	}
	r := recording{nodeID(source, address, p), p.Start.UnixNano(), p.Seconds, p.total()}
	if earlier, twice := s.seen[r]; twice && !p.Start.IsZero() {
		return fmt.Errorf("the same profile as %s, counted once", earlier)
	}
	s.seen[r] = source
	n := s.node(source, address, p)
	if n.Seconds += p.Seconds; n.Seconds > 1e10 {
		return errors.New("the profiles of the node are longer than 300 years")
	}
	n.Profiles++
	n.Version, n.Kernel = p.Version, p.Kernel
	n.Warnings = append(n.Warnings, p.Warnings...)
	for part, cost := range p.Costs {
		n.parts = append(n.parts, partCost{s.intern(part), cost})
	}
	s.total += len(p.Costs)
	return nil
}

// total returns the sum of all costs.
func (p *Profile) total() (sum Cost) {
	for _, c := range p.Costs {
		sum = sum.Plus(c)
	}
	return sum
}

func nodeID(source, address string, p *Profile) string {
	if p.Host == "" {
		return "\x00" + source
	}
	return p.Host + "\x00" + address
}

// node finds the node of a profile, or adds it.
func (s *Sums) node(source, address string, p *Profile) *Node {
	id := nodeID(source, address, p)
	for _, n := range s.Nodes {
		if n.id == id {
			return n
		}
	}
	n := &Node{Name: cmp.Or(p.Host, source), Source: source, id: id}
	s.Nodes = append(s.Nodes, n)
	return n
}

// Sort sorts the nodes by name, and tells those that have the same name apart by their sources.
func (s *Sums) Sort() {
	count := map[string]int{}
	for _, n := range s.Nodes {
		count[n.Name]++
	}
	for _, n := range s.Nodes {
		if count[n.Name] > 1 {
			n.Name = fmt.Sprintf("%s (%s)", n.Name, n.Source)
		}
	}
	slices.SortFunc(s.Nodes, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id))
	})
}

func (s *Sums) intern(part Part) uint32 {
	id, known := s.index[part]
	if !known {
		for i, name := range part {
			if _, known := s.names[name]; !known {
				s.names[name] = name
			}
			part[i] = s.names[name]
		}
		id = uint32(len(s.Parts))
		s.Parts, s.index[part] = append(s.Parts, part), id
	}
	return id
}

// Each calls do with what each part cost the node. A part may come several times.
func (n *Node) Each(s *Sums, do func(*Part, Cost)) {
	for _, p := range n.parts {
		do(&s.Parts[p.part], p.Cost)
	}
}

// Total returns what all calls cost the node.
func (n *Node) Total() (c Cost) {
	for _, p := range n.parts {
		c = c.Plus(p.Cost)
	}
	return c
}

// By sums a property up: of each node, by the index of the node, for each value of the property.
func (s *Sums) By(property int) map[string][]Cost {
	out := map[string][]Cost{}
	for i, n := range s.Nodes {
		n.Each(s, func(p *Part, c Cost) {
			name := p[property]
			if out[name] == nil {
				out[name] = make([]Cost, len(s.Nodes))
			}
			out[name][i] = out[name][i].Plus(c)
		})
	}
	return out
}
