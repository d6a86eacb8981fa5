package tracer

import (
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// mapMemory is the memory of a map with BPF_F_MMAPABLE, shared with the probes. Unlike ebpf.Memory, which the garbage
// collector unmaps some time later, it is unmapped by Close: until then the map would stay in the kernel, closed or
// not.
type mapMemory []byte

func mapMap(m *ebpf.Map) (mapMemory, error) {
	const align = 8 // the kernel places values at multiples of it
	value := (int(m.ValueSize()) + align - 1) &^ (align - 1)
	return unix.Mmap(m.FD(), 0, value*int(m.MaxEntries()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// words returns the 32-bit words of a variable. They must not be used after Close.
func (m mapMemory) words(v *ebpf.VariableSpec) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(&m[v.Offset])), int(v.Size())/4)
}

// Close unmaps the memory. A second call does nothing.
func (m *mapMemory) Close() error {
	if *m == nil {
		return nil
	}
	err := unix.Munmap(*m)
	*m = nil
	return err
}
