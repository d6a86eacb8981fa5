package fleet

import (
	"maps"
	"slices"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// leastNodes is the number of nodes that must make a kind of call for its usual cost to be known.
const leastNodes = 3

// Relative is the cost of a node's calls, divided by what calls alike cost on the median node.
type Relative struct {
	Ratio float64 // 0: the node makes no call that others make, too
	Share float64 // of the node's cost that the ratio is about
}

// Relative compares each node with the others, call by call: calls of the same program from the same syscall under the
// same number of rules. What a node runs, and how often, does not matter.
func (s *Sums) Relative() []Relative {
	alike := map[Part]int{} // ids of parts that do the same work
	for _, part := range s.Parts {
		alike[part.Alike()] = 0
	}
	// Sums of floating point numbers depend on their order: the same profiles give the same report.
	for id, part := range slices.SortedFunc(maps.Keys(alike), Part.Compare) {
		alike[part] = id
	}
	ids := make([]int, len(s.Parts))
	for i, part := range s.Parts {
		ids[i] = alike[part.Alike()]
	}
	means := make([][]float64, len(alike))
	costs := make([]map[int]Cost, len(s.Nodes))
	for i, n := range s.Nodes {
		costs[i] = map[int]Cost{}
		for _, p := range n.parts {
			costs[i][ids[p.part]] = costs[i][ids[p.part]].Plus(p.Cost)
		}
		for id, c := range costs[i] {
			if c.Calls > 0 {
				means[id] = append(means[id], float64(c.Ns)/float64(c.Calls))
			}
		}
	}
	usual := make([]float64, len(means))
	for id, m := range means {
		if len(m) >= leastNodes {
			usual[id] = stats.Median(m)
		}
	}
	out := make([]Relative, len(s.Nodes))
	for i := range s.Nodes {
		took, expected, all := 0.0, 0.0, 0.0
		for _, id := range slices.Sorted(maps.Keys(costs[i])) {
			c := costs[i][id]
			all += float64(c.Ns)
			if usual[id] > 0 {
				took += float64(c.Ns)
				expected += float64(c.Calls) * usual[id]
			}
		}
		if expected > 0 && took > 0 {
			out[i] = Relative{Ratio: took / expected, Share: took / all}
		}
	}
	return out
}
