package tracer

import (
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// stacksMost bounds how many different stacks are kept. Rows whose stacks found no room have those that did, or none.
const stacksMost = 1 << 14

// stackCounts are the stacks that were sampled beside the counters. Rules are no part of the key: what leads to a hook does not depend
// on them.
type stackCounts struct {
	of       map[stackKey]map[string]*profile.Stack // by their text
	distinct int
	noRoom   uint64
}

type stackKey struct {
	traced   *traced
	syscall  string
	workload *profile.Workload
}

// collectStacks takes the samples that have come since it was last called.
func (t *Tracer) collectStacks() error {
	symbols := newUserSymbols(t.files)
	return t.loader.stream.read(time.Now(), eventsAtOnce, func(_ int, e event) {
		o, ok := t.origins[e.Probe]
		if !ok {
			t.loader.stream.damaged++
			return
		}
		t.stacks.add(stackKey{o.traced, syscallName(e.Syscall), t.names.note(e.Mntns, cString(e.Comm[:]))},
			profile.Stack{Kernel: t.kernelFrames(e.kernel), User: symbols.frames(e.Tgid, e.user)})
	})
}

func (s *stackCounts) add(key stackKey, stack profile.Stack) {
	text := stack.Key()
	if s.of == nil {
		s.of = map[stackKey]map[string]*profile.Stack{}
	}
	if s.of[key] == nil {
		s.of[key] = map[string]*profile.Stack{}
	}
	known := s.of[key][text]
	if known == nil {
		if s.distinct == stacksMost {
			s.noRoom++
			return
		}
		s.distinct++
		known = &stack
		s.of[key][text] = known
	}
	known.Count++
}

// addStacks gives the rows of a snapshot the stacks that led to them.
func (t *Tracer) addStacks(s *profile.Snapshot, keys []rowKey) error {
	s.StackSample = max(1, t.opts.StackSample)
	for i, key := range keys {
		for _, stack := range t.stacks.of[stackKey{t.order[key.program], key.syscall, key.workload}] {
			s.Rows[i].Stacks = append(s.Rows[i].Stacks, *stack)
		}
	}
	loss, err := t.Loss()
	if n := loss.Total() + loss.Damaged + t.stacks.noRoom; n > 0 {
		s.Warnings = append(s.Warnings, profile.Warning{
			Kind: profile.WarnStacksLost, Text: fmt.Sprintf("%d sampled stacks were lost", n),
		})
	}
	return err
}
