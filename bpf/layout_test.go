package bpf_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/bpf"
	reference "github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

// The Go mirror of every shared struct has the size and the offsets that the compiler gave it in the object.
func TestMirrorsMatchObjects(t *testing.T) {
	for _, c := range []struct {
		name    string
		load    func() (*ebpf.CollectionSpec, error)
		structs map[string]any
	}{
		{"probe", bpf.LoadProbe, map[string]any{"counter": bpf.ProbeCounter{}, "slot": bpf.ProbeSlot{}}},
		{"trace", bpf.LoadTrace, map[string]any{
			"event": bpf.TraceEvent{}, "tally": bpf.TraceTally{}, "slot": bpf.TraceSlot{},
		}},
		{"lines", bpf.LoadLines, map[string]any{
			"line_sample": bpf.LinesLineSample{}, "line_tally": bpf.LinesLineTally{},
			"line_buffer": bpf.LinesLineBuffer{},
		}},
		{"programs", bpf.LoadPrograms, map[string]any{
			"lsm_program": bpf.ProgramsLsmProgram{}, "program_link": bpf.ProgramsProgramLink{},
		}},
		{"syscalls", bpf.LoadSyscalls, map[string]any{
			"syscall_key": bpf.SyscallsSyscallKey{}, "syscall_time": bpf.SyscallsSyscallTime{},
			"call": bpf.SyscallsCall{},
		}},
		{"enforcer", reference.LoadEnforcer, map[string]any{
			"ref_pattern": reference.EnforcerRefPattern{}, "ref_path_rule": reference.EnforcerRefPathRule{},
			"ref_net_rule":    reference.EnforcerRefNetRule{},
			"ref_mount_rule":  reference.EnforcerRefMountRule{},
			"ref_cap_rules":   reference.EnforcerRefCapRules{},
			"ref_ptrace_rule": reference.EnforcerRefPtraceRule{},
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
		t.Errorf("size %d, want %d as in the object", got.Size(), want.Size)
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
			t.Errorf("%s at offset %d, want %d as in the object", m.Name, f.Offset, m.Offset.Bytes())
		}
		if size, err := btf.Sizeof(m.Type); err != nil || uintptr(size) != f.Type.Size() {
			t.Errorf("%s has %d bytes, want %d as in the object (%v)", m.Name, f.Type.Size(), size, err)
		}
	}
}

// Objects that share the control map must agree on where its variables are: the loader compares only its size.
func TestObjectsAgreeOnTheControlMap(t *testing.T) {
	probe, err := bpf.LoadProbe()
	if err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]func() (*ebpf.CollectionSpec, error){
		"trace": bpf.LoadTrace, "command": bpf.LoadCommand,
	} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range probe.Variables {
			if want.SectionName != ".data.control" {
				continue
			}
			got := spec.Variables[v]
			if got == nil || got.Offset != want.Offset || got.Size() != want.Size() {
				t.Errorf("%s: %s is %v, want offset %d and %d bytes as in the probes", name, v, got,
					want.Offset, want.Size())
			}
		}
	}
}
