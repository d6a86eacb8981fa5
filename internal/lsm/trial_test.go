package lsm

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestTrialsSucceedWhereTheyMust(t *testing.T) {
	vmtest.Guest(t)
	if err := TryTracing(); err != nil {
		t.Errorf("tracing: %v", err)
	}
	if err := TryLSM(); err != nil {
		t.Errorf("LSM: %v", err)
	}
	id := ebpf.ProgramID(0)
	for {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			break
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil && info.Name == "lsmprof_trial" {
			t.Errorf("program %d is left in the kernel", id)
		}
		p.Close()
	}
}

func TestBusiestCountsUntilTheFunctionIsFull(t *testing.T) {
	release := vmtest.Guest(t)
	attached := 0
	for ; attached <= TrampolineLimit+2; attached++ {
		// A program attaches to one function once: each link takes a program of its own.
		p, err := Load(&ebpf.ProgramSpec{
			Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: HookPrefix + TrialHook,
			License:      "GPL",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceFEntry})
		if err != nil {
			if root(err) != unix.E2BIG {
				t.Errorf("link %d: %v, want E2BIG", attached+1, err)
			}
			break
		}
		defer l.Close()
	}
	if attached < TrampolineLimit-2 || attached > TrampolineLimit+2 {
		t.Errorf("%d programs fit, want about %d", attached, TrampolineLimit)
	}
	most, err := Busiest()
	if err != nil {
		t.Fatal(err)
	}
	if release.AtLeast(5, 13) && most != attached {
		t.Errorf("the busiest function has %d, want %d", most, attached)
	}
	if err := TryTracing(); root(err) != unix.E2BIG {
		t.Errorf("the trial on a full function: %v, want E2BIG", err)
	}
}
