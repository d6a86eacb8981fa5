package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

// say writes title, answer and facts.
func (r *FleetReport) say() {
	var enforcers []string
	for _, t := range r.Tables {
		if t.By == "enforcer" {
			for i := range t.Rows {
				name := t.Rows[i].Name
				if name == text.Enforcer("reference") {
					name = "the " + name
				}
				enforcers = append(enforcers, name)
			}
		}
	}
	slices.Sort(enforcers)
	r.Title = fmt.Sprintf("What %s cost on %s", cmp.Or(text.List(enforcers), "the hooks"),
		text.Plural(len(r.Nodes), "node"))
	var shares []float64
	all := ProfileCost{}
	profiles := 0
	least, most := math.Inf(1), 0.0
	for i := range r.Nodes {
		n := &r.Nodes[i]
		shares = append(shares, n.Share)
		all.add(n.ProfileCost)
		profiles += n.Profiles
		least, most = min(least, n.Seconds), max(most, n.Seconds)
	}
	if len(shares) > 0 {
		sum := 0.0
		for _, s := range shares {
			sum += s
		}
		low, high := slices.Min(shares), slices.Max(shares)
		r.Answer = append(r.Answer, fmt.Sprintf("Hooks take %s of one CPU on the median node, from %s (%s) "+
			"to %s "+
			"(%s); on all nodes together %s of one CPU.", text.Percent(stats.Median(shares)),
			text.Percent(low),
			r.nodeOf(low), text.Percent(high), r.nodeOf(high), text.Percent(sum)))
	}
	r.Answer = append(r.Answer, r.differing())
	if n := len(r.Missing); n > 0 {
		names := []string{}
		for _, m := range r.Missing[:min(n, 5)] {
			names = append(names, text.Printable(m.Source))
		}
		if n > 5 {
			names = append(names, text.Plural(n-5, "other"))
		}
		r.Answer = append(r.Answer, fmt.Sprintf("Left out: %s, %s.", text.Plural(n, "profile"),
			text.List(names)))
	}
	if len(r.Nodes) == 0 {
		return
	}
	long := text.Duration(least * 1e9)
	if most > least {
		long += " to " + text.Duration(most*1e9)
	}
	r.Facts = append(r.Facts, fmt.Sprintf("%s of %s, %s a node, %s calls, %s denied", text.Plural(profiles,
		"profile"), text.Plural(len(r.Nodes), "node"), long,
		text.Thousands(uint64(all.Calls)), text.Thousands(uint64(all.Denials))))
	r.Facts = append(r.Facts, r.kinds("lsmprof", func(n *fleet.Node) string { return n.Version })...)
	r.Facts = append(r.Facts, r.kinds("kernel", func(n *fleet.Node) string { return n.Kernel })...)
	r.warnings()
}

func (r *FleetReport) nodeOf(share float64) string {
	for i := range r.Nodes {
		if r.Nodes[i].Share == share {
			return r.Nodes[i].Name
		}
	}
	return none
}

// differing says which nodes differ.
func (r *FleetReport) differing() string {
	if r.Limit == nil {
		return fmt.Sprintf("There are too few nodes to say which one differs: "+
			"that needs at least %d nodes with calls.",
			stats.LeastForOutliers)
	}
	var names []string
	differ := 0
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if len(n.Differs) == 0 {
			continue
		}
		if differ++; differ <= 3 {
			names = append(names, fmt.Sprintf("%s (%s)", n.Name, n.Why()))
		}
	}
	if differ == 0 {
		return "No node differs from the others."
	}
	if differ > 3 {
		names = append(names, text.Plural(differ-3, "other"))
	}
	verb := "differ"
	if differ == 1 {
		verb = "differs"
	}
	return fmt.Sprintf("%s of %d %s: %s.", strconv.Itoa(differ), len(r.Nodes), verb, strings.Join(names, "; "))
}

// kinds lists values that nodes share, with the number of nodes: nodes that differ may differ by these.
func (r *FleetReport) kinds(what string, of func(*fleet.Node) string) (out []string) {
	count := map[string]int{}
	for _, n := range r.sums.Nodes {
		count[cmp.Or(strings.TrimSpace(of(n)), "unknown")]++
	}
	for name, n := range count {
		out = append(out, fmt.Sprintf("%s %s: %s", what, name, text.Plural(n, "node")))
	}
	slices.Sort(out)
	return out[:min(len(out), 10)]
}

// warnings adds what profiles say about themselves, the same of several nodes once.
func (r *FleetReport) warnings() {
	nodes := map[string][]string{}
	for _, n := range r.sums.Nodes {
		for _, w := range n.Warnings {
			if all := nodes[w]; len(all) == 0 || all[len(all)-1] != n.Name {
				nodes[w] = append(all, n.Name)
			}
		}
	}
	var out []string
	for w, of := range nodes {
		where := text.Plural(len(of), "node")
		if len(of) == 1 {
			where = of[0]
		}
		out = append(out, fmt.Sprintf("warning: %s: %s", where, w))
	}
	slices.Sort(out)
	const most = 20
	r.Facts = append(r.Facts, out[:min(len(out), most)]...)
	if more := len(out) - most; more > 0 {
		r.Facts = append(r.Facts, fmt.Sprintf("… and %s", text.Plural(more, "more warning")))
	}
}
