package cri

import (
	"context"
	"errors"
	"fmt"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Output is the result of a program.
type Output struct {
	Stdout, Stderr []byte
	Status         int // exit status
}

// ErrTimeout means that the runtime killed a program that ran longer than its limit.
var ErrTimeout = errors.New("killed at its time limit")

// Run runs a program in a container until it ends, without a shell. The runtime kills it after limit, rounded up to
// whole seconds; 0 is no limit. An exit status other than 0 is not an error.
func (r *Runtime) Run(ctx context.Context, id string, argv []string, limit time.Duration) (Output, error) {
	c, err := r.dialed(ctx)
	if err != nil {
		return Output{}, err
	}
	seconds := int64((limit + time.Second - 1) / time.Second)
	if seconds > 0 {
		// The runtime enforces the limit; this deadline is for one that does not.
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

// dialed returns the connection to the runtime. It waits for a Refresh that is under way.
func (r *Runtime) dialed(ctx context.Context) (*client, error) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	return r.connect(ctx)
}
