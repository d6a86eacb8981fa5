package tracer

import (
	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/profile"
)

// RuleReader reads the rules in force from an enforcer's own maps. It is called several times a second.
type RuleReader interface {
	// Read returns the policy of every workload that has one, by mount namespace; EveryWorkload is that of all others.
	Read() (map[uint32]Policy, error)
	Close() error
}

// Policy is what is in force for one workload.
type Policy struct {
	// Generation tells two states apart even where the counts are the same; it must be comparable.
	Generation any
	// Rules is the number of rules that a program walks, or profile.RulesUnknown. The program is one on the hook, without an id, where
	// programs of one hook are not told apart.
	Rules func(Program) int
}

// EveryWorkload stands for the workloads without a policy of their own. No mount namespace has this number.
const EveryWorkload uint32 = 0

func policyOf(policies map[uint32]Policy, mntns uint32) (Policy, bool) {
	if p, ok := policies[mntns]; ok {
		return p, true
	}
	p, ok := policies[EveryWorkload]
	return p, ok
}

// Enforcer is a product: which programs are its own, and how its rules are read.
type Enforcer struct {
	Name string
	Owns func(Program) bool
	// Open returns a reader of the rules that the programs walk. Nil: the rules of this product cannot be read.
	Open func([]Program) (RuleReader, error)
}

// Generic is the enforcer of programs that no other owns.
const Generic = "generic"

// ruleBook knows the rules of one enforcer over the last three readings.
//
// Counters are drained and then the rules read, over and over. What one drain returns was recorded between the drain before and
// this one; the rules were the same all that time if the readings around both drains agree.
type ruleBook struct {
	reader   RuleReader
	programs []ebpf.ProgramID     // whose rules these are
	last     [3]map[uint32]Policy // oldest first
	reads    int
	past     timeline // for single invocations, which say when they ran
}

// read takes one more reading.
func (b *ruleBook) read() error {
	from := monotonic()
	now, err := b.reader.Read()
	if err != nil {
		return err
	}
	b.past.add(reading{from, monotonic(), now})
	b.last[0], b.last[1], b.last[2] = b.last[1], b.last[2], now
	b.reads++
	return nil
}

// unsettled says that the rules of some workload changed between the last two readings.
func (b *ruleBook) unsettled() bool {
	if b.reads < 2 {
		return true
	}
	for _, m := range []map[uint32]Policy{b.last[1], b.last[2]} {
		for ns := range m {
			if b.last[1][ns].Generation != b.last[2][ns].Generation {
				return true
			}
		}
	}
	return false
}

// rules is the number of rules that were in force during the drain between the last two readings, or RulesUnknown.
func (b *ruleBook) rules(mntns uint32, program Program) int {
	p, ok := policyOf(b.last[2], mntns)
	before, _ := policyOf(b.last[1], mntns)
	first, _ := policyOf(b.last[0], mntns)
	if b.reads < len(b.last) || p.Generation != before.Generation || p.Generation != first.Generation {
		return profile.RulesUnknown
	}
	if !ok {
		return 0
	}
	return p.Rules(program)
}
