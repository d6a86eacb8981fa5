package accuracy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/tracer"
)

// manyHooks exist on every kernel, and are rarely called unless a test does.
var manyHooks = []string{
	"task_getpgid", "task_getsid", "task_setpgid", "task_setnice", "path_mkdir", "path_rmdir", "path_unlink",
	"path_rename", "path_link", "path_symlink", "path_mknod", "path_truncate", "path_chmod", "sb_mount",
	"sb_umount", "socket_bind", "socket_listen", "socket_connect", "socket_create", "socket_shutdown",
}

// Attachment is what attaching and detaching probes takes.
type Attachment struct {
	Programs int           `json:"programs"`
	Targets  int           `json:"targets"` // hooks, before Linux 5.18
	Attach   time.Duration `json:"attach_ns"`
	Detach   time.Duration `json:"detach_ns"`
	CPU      time.Duration `json:"cpu_ns"` // of lsmprof, user and system, for both
	Progress int           `json:"progress_calls"`
}

// measureAttaching attaches N programs and probes on them, calls two hooks, and detaches the probes. It fails if a
// program did not record every call.
func measureAttaching(programs int) (a Attachment, err error) {
	detach, err := attachMany(programs, manyHooks)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, detach()) }()
	a.Programs = programs
	var progress atomic.Int32
	cpu, began := kernel.CPUTime(), time.Now()
	t, err := tracer.Start(context.Background(), tracer.Options{Progress: func(int, int) { progress.Add(1) }})
	if err != nil {
		return a, err
	}
	a.Attach = time.Since(began)
	a.Progress = int(progress.Load())
	defer t.Close()
	const calls = 50
	self := uintptr(unix.Getpid())
	for range calls {
		unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0)
		unix.RawSyscall(unix.SYS_GETSID, self, 0, 0)
	}
	if err := t.Poll(context.Background()); err != nil {
		return a, err
	}
	snap, err := t.Snapshot()
	if err != nil {
		return a, err
	}
	a.Targets = len(snap.Programs)
	for _, p := range snap.Programs {
		called := p.Hook == "task_getpgid" || p.Hook == "task_getsid"
		if got := p.Calls(); called && got != calls {
			err = errors.Join(err,
				fmt.Errorf("%s (%d): %d calls recorded, want %d", p.Label(), p.ID, got, calls))
		}
	}
	began = time.Now()
	err = errors.Join(err, t.Close())
	a.Detach, a.CPU = time.Since(began), kernel.CPUTime()-cpu
	return a, err
}

// attachMany attaches empty programs to the hooks in turn.
func attachMany(programs int, hooks []string) (detach func() error, err error) {
	specs := map[string]*ebpf.ProgramSpec{}
	for i := range programs {
		name := fmt.Sprintf("many_%d", i)
		specs[name] = lsmProgram(name, hooks[i%len(hooks)],
			asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	}
	return attachAll(specs)
}
