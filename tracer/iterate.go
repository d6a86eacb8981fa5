package tracer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// listPrograms lists the loaded BPF LSM programs, by id, without opening them.
func listPrograms() ([]Program, error) {
	// Fails without the privilege that opening programs needs and the iterator does not.
	if _, err := ebpf.ProgramGetNextID(0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list BPF programs: %w. Run as root, or with CAP_SYS_ADMIN", err)
	}
	var progs []Program
	err := iterate(bpf.ProgramsProgListPrograms, func(p *bpf.ProgramsLsmProgram) {
		progs = append(progs, Program{
			ID: ebpf.ProgramID(p.Id), Name: cString(p.Name[:]), HasBTF: p.HasBtf != 0,
			Hook: hookName(cString(p.Hook[:])), Sleepable: p.Sleepable != 0,
		})
	})
	return progs, err
}

// listLinks returns the program of each link without opening either. Before Linux 5.19 it fails.
func listLinks() (map[link.ID]ebpf.ProgramID, error) {
	programs := map[link.ID]ebpf.ProgramID{}
	err := iterate(bpf.ProgramsProgListLinks, func(l *bpf.ProgramsProgramLink) {
		programs[link.ID(l.Id)] = ebpf.ProgramID(l.Program)
	})
	return programs, err
}

// iterate runs an iterator of bpf/programs.bpf.c and calls fn with each record that it writes.
func iterate[T any](name string, fn func(*T)) error {
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 BPF memory counts against it
		return fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	spec, err := bpf.LoadPrograms()
	if err != nil {
		return fmt.Errorf("read iterator object: %w", err)
	}
	var objs struct {
		Iterator *ebpf.Program `ebpf:"iterator"`
	}
	spec = withPrograms(spec, map[string]string{"iterator": name})
	if err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return fmt.Errorf("load iterator %s: %w", name, lsm.ExplainLoad(err))
	}
	defer objs.Iterator.Close()
	iter, err := link.AttachIter(link.IterOptions{Program: objs.Iterator})
	if err != nil {
		return fmt.Errorf("attach iterator %s: %w", name, lsm.ExplainLoad(err))
	}
	defer iter.Close()
	r, err := iter.Open()
	if err != nil {
		return fmt.Errorf("open iterator %s: %w", name, err)
	}
	defer r.Close()
	for {
		var record T
		_, err := io.ReadFull(r, unsafe.Slice((*byte)(unsafe.Pointer(&record)), unsafe.Sizeof(record)))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("run iterator %s: %w", name, err)
		}
		fn(&record)
	}
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
