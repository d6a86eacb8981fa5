package accuracy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// underPair attaches fentry and fexit programs that do nothing in place of the probes. No method that uses such
// programs is cheaper.
func (r *Rig) underPair(hook string, do func() error) (err error) {
	var target *ebpf.Program
	name := lsm.HookPrefix + hook
	if r.calibration.Scope == profile.ScopeProgram {
		if target, name, err = programOn(hook); err != nil {
			return err
		}
		defer target.Close()
	}
	for _, at := range []ebpf.AttachType{ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit} {
		prog, err := lsm.Load(&ebpf.ProgramSpec{
			Name: "pair", Type: ebpf.Tracing, AttachType: at, AttachTarget: target, AttachTo: name,
			License:      "GPL",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		})
		if err != nil {
			return err
		}
		defer prog.Close()
		l, err := link.AttachTracing(link.TracingOptions{Program: prog, AttachType: at})
		if err != nil {
			return err
		}
		defer l.Close()
	}
	return do()
}

// programOn opens the first program on a hook. The caller closes it.
func programOn(hook string) (*ebpf.Program, string, error) {
	progs, err := tracer.Programs()
	if err != nil {
		return nil, "", err
	}
	for _, p := range progs {
		if p.Hook == hook && p.Attached() && p.Position == 0 {
			prog, err := ebpf.NewProgramFromID(p.ID)
			return prog, p.Name, err
		}
	}
	return nil, "", fmt.Errorf("no program on %s", hook)
}

// underBpftrace runs the usual bpftrace script for this purpose, on the kernel function of the hook.
func underBpftrace(hook string, do func() error) error {
	const ready = "attached"
	script := fmt.Sprintf(`kfunc:%[1]s { @start[tid] = nsecs; }
		kretfunc:%[1]s /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }
		interval:ms:500 { printf("%[2]s\n"); }`, lsm.HookPrefix+hook, ready)
	cmd := exec.Command("bpftrace", "-e", script)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	lines := bufio.NewScanner(out)
	attached := false
	for !attached && lines.Scan() {
		attached = strings.Contains(lines.Text(), ready)
	}
	if !attached {
		return errors.Join(errors.New("bpftrace ended before it was attached"), lines.Err())
	}
	go io.Copy(io.Discard, out)
	time.Sleep(100 * time.Millisecond)
	return errors.Join(do(), cmd.Process.Signal(os.Interrupt))
}
