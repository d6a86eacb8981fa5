package tracer

import (
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// mapped is the memory of a map (BPF_F_MMAPABLE), shared with the probes. An ebpf.Memory is unmapped when the garbage collector
// comes by; until then the map stays in the kernel, closed or not.
type mapped []byte

func mapMemory(m *ebpf.Map) (mapped, error) {
	const align = 8 // the kernel's: values follow each other at multiples of it
	value := (int(m.ValueSize()) + align - 1) &^ (align - 1)
	return unix.Mmap(m.FD(), 0, value*int(m.MaxEntries()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// words are the place of a variable that holds 32-bit words. They are not to be touched after Close.
func (m mapped) words(v *ebpf.VariableSpec) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(&m[v.Offset])), int(v.Size())/4)
}

// Close unmaps; a second time it does nothing.
func (m *mapped) Close() error {
	if *m == nil {
		return nil
	}
	err := unix.Munmap(*m)
	*m = nil
	return err
}
