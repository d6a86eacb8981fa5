package tracer

import (
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// maxStacks bounds how many different stacks a Tracer keeps.
const maxStacks = 1 << 14

// stackCounts are the stacks that were sampled besides counting. Rules are no part of the key: the path to a hook
// does not depend on them.
type stackCounts struct {
	byKey    map[stackKey]map[string]*profile.Stack // by profile.Stack.Key
	distinct int
	dropped  uint64 // samples of stacks beyond maxStacks
}

type stackKey struct {
	target   *probedTarget
	syscall  string
	workload *profile.Workload
}

// collectStacks counts the stacks that the probes sampled since the last call.
func (t *Tracer) collectStacks() error {
	symbols := newUserSymbols(t.set.files)
	return t.set.ring.read(time.Now(), maxEvents, func(_ int, e rawEvent) {
		source, ok := t.set.sources[e.Probe]
		if !ok {
			t.set.ring.damaged++
			return
		}
		if t.set.excludes(e.Mntns) {
			return
		}
		key := stackKey{source.target, syscallName(e.Syscall), t.set.names.lookup(e.Mntns, cString(e.Comm[:]))}
		t.stacks.add(key, profile.Stack{
			Kernel: t.set.kernelFrames(source.target, e.kernel), User: symbols.frames(e.Tgid, e.user),
		})
	})
}

func (s *stackCounts) add(key stackKey, stack profile.Stack) {
	text := stack.Key()
	if s.byKey == nil {
		s.byKey = map[stackKey]map[string]*profile.Stack{}
	}
	if s.byKey[key] == nil {
		s.byKey[key] = map[string]*profile.Stack{}
	}
	known := s.byKey[key][text]
	if known == nil {
		if s.distinct == maxStacks {
			s.dropped++
			return
		}
		s.distinct++
		known = &stack
		s.byKey[key][text] = known
	}
	known.Count++
}

// addStacks adds to the rows of a snapshot the stacks that led to them.
func (t *Tracer) addStacks(s *profile.Snapshot, keys []rowKey) {
	s.StackSample = max(1, t.set.opts.StackSample)
	for i, key := range keys {
		for _, stack := range t.stacks.byKey[stackKey{t.set.order[key.program], key.syscall, key.workload}] {
			s.Rows[i].Stacks = append(s.Rows[i].Stacks, *stack)
		}
	}
	_, lost, _ := t.set.ring.received()
	n := t.set.ring.damaged + t.stacks.dropped
	for _, l := range lost {
		n += l
	}
	if n > 0 {
		s.Warnings = append(s.Warnings, profile.Warning{
			Kind: profile.WarnStacksLost, Text: fmt.Sprintf("%d sampled stacks were lost", n),
		})
	}
}
