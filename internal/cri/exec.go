package cri

import (
	"context"
	"errors"
	"fmt"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Output is what a program left.
type Output struct {
	Stdout, Stderr []byte
	Status         int // its exit status
}

// ErrTimeout is a program that ran longer than it was given; the runtime has killed it.
var ErrTimeout = errors.New("killed after its time was over")

// Run runs a program in a container to its end, at most for limit (whole seconds, rounded up; 0: no limit). No shell is
// involved. A status other than 0 is no error.
func (r *Runtime) Run(ctx context.Context, id string, argv []string, limit time.Duration) (Output, error) {
	c, err := r.dialed(ctx)
	if err != nil {
		return Output{}, err
	}
	seconds := int64((limit + time.Second - 1) / time.Second)
	if seconds > 0 {
		// The runtime keeps the time; this is for one that does not.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit+2*Deadline)
		defer cancel()
	}
	out, err := c.ExecSync(ctx, &runtime.ExecSyncRequest{ContainerId: id, Cmd: argv, Timeout: seconds})
	if err != nil {
		return Output{}, fmt.Errorf("run %s in container %.12s: %w", argv[0], id, explainExec(err))
	}
	return Output{out.GetStdout(), out.GetStderr(), int(out.GetExitCode())}, nil
}

// dialed is the connection, also while a Refresh is under way.
func (r *Runtime) dialed(ctx context.Context) (*client, error) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	return r.connect(ctx)
}
