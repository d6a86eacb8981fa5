package bpf

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// The Go mirror of every shared struct has the size and the offsets that the compiler gave the object.
func TestSharedStructsAreWhatTheObjectHas(t *testing.T) {
	for _, c := range []struct {
		name    string
		load    func() (*ebpf.CollectionSpec, error)
		structs map[string]any
	}{
		{"probe", LoadProbe, map[string]any{"cell": ProbeCell{}, "slot": ProbeSlot{}}},
		{"trace", LoadTrace, map[string]any{"event": TraceEvent{}, "tally": TraceTally{}, "slot": TraceSlot{}}},
		{"facts", LoadFacts, map[string]any{"program_facts": FactsProgramFacts{}}},
		{"syscalls", LoadSyscalls, map[string]any{"syscall_key": SyscallsSyscallKey{}, "syscall_time": SyscallsSyscallTime{}, "call": SyscallsCall{}}},
		{"enforcer", LoadEnforcer, map[string]any{
			"ref_pattern": EnforcerRefPattern{}, "ref_path_rule": EnforcerRefPathRule{}, "ref_net_rule": EnforcerRefNetRule{},
			"ref_mount_rule": EnforcerRefMountRule{}, "ref_cap_rules": EnforcerRefCapRules{},
			"ref_ptrace_rule": EnforcerRefPtraceRule{},
		}},
	} {
		spec, err := c.load()
		if err != nil {
			t.Fatal(err)
		}
		for name, mirror := range c.structs {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				var want *btf.Struct
				if err := spec.Types.TypeByName(name, &want); err != nil {
					t.Fatal(err)
				}
				compare(t, want, reflect.TypeOf(mirror))
			})
		}
	}
}

func compare(t *testing.T, want *btf.Struct, got reflect.Type) {
	t.Helper()
	if uintptr(want.Size) != got.Size() {
		t.Errorf("size %d, in the object %d", got.Size(), want.Size)
	}
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(got) {
		fields[strings.ToLower(f.Name)] = f
	}
	for _, m := range want.Members {
		f, ok := fields[strings.ToLower(strings.ReplaceAll(m.Name, "_", ""))]
		if !ok {
			t.Errorf("%s has no field in Go", m.Name)
			continue
		}
		if uintptr(m.Offset.Bytes()) != f.Offset {
			t.Errorf("%s at %d, in the object at %d", m.Name, f.Offset, m.Offset.Bytes())
		}
		if size, err := btf.Sizeof(m.Type); err != nil || uintptr(size) != f.Type.Size() {
			t.Errorf("%s has %d bytes, in the object %d (%v)", m.Name, f.Type.Size(), size, err)
		}
	}
}
