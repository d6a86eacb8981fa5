package tracer

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// tellFacts fills in what bpf_prog_info does not say before Linux 6.0, hook and sleepable, by an iterator over our own
// descriptors of the programs.
func tellFacts(progs []Program, handles []*ebpf.Program) error {
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 maps count against it
		return fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	var objs bpf.FactsObjects
	if err := bpf.LoadFactsObjects(&objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return fmt.Errorf("load iterator over programs: %w", lsm.ExplainLoad(err))
	}
	defer objs.Close()

	for _, h := range handles {
		if err := objs.Programs.Put(uint32(h.FD()), bpf.FactsProgramFacts{}); err != nil {
			return fmt.Errorf("mark program: %w", err)
		}
	}
	iter, err := link.AttachIter(link.IterOptions{Program: objs.TellPrograms})
	if err != nil {
		return fmt.Errorf("attach iterator over programs: %w", lsm.ExplainLoad(err))
	}
	defer iter.Close()
	r, err := iter.Open()
	if err != nil {
		return fmt.Errorf("open iterator over programs: %w", err)
	}
	_, err = io.Copy(io.Discard, r)
	r.Close()
	if err != nil {
		return fmt.Errorf("run iterator over programs: %w", err)
	}

	for i, h := range handles {
		var facts bpf.FactsProgramFacts
		if err := objs.Programs.Lookup(uint32(h.FD()), &facts); err != nil {
			return fmt.Errorf("read facts of program %d: %w", progs[i].ID, err)
		}
		if facts.Found == 0 {
			return fmt.Errorf("hook of program %d (%s) not found: %w", progs[i].ID, progs[i].Name, ErrUnsupported)
		}
		progs[i].Hook = hookName(cString(facts.Hook[:]))
		progs[i].Sleepable = facts.Sleepable != 0
	}
	return nil
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
