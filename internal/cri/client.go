package cri

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Deadline bounds a call to the runtime.
const Deadline = 2 * time.Second

// maxMessage bounds an answer, in bytes, as the kubelet does. A node full of containers exceeds gRPC's default of 4
// MiB.
const maxMessage = 16 << 20

// client is a connection to a runtime that answered.
type client struct {
	runtime.RuntimeServiceClient
	conn *grpc.ClientConn
}

// dial connects to the first endpoint that answers. The error is that of the first one: the others are guesses.
func dial(ctx context.Context, given string) (*client, error) {
	all, err := endpoints(given)
	if err != nil {
		return nil, err
	}
	var first error
	for _, e := range all {
		c, err := dialOne(ctx, e)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = fmt.Errorf("container runtime at %s: %w", e.path, err)
			if e.from != "" {
				first = fmt.Errorf("container runtime at %s (%s): %w", e.path, e.from, err)
			}
		}
	}
	return nil, first
}

func dialOne(ctx context.Context, e endpoint) (*client, error) {
	conn, err := grpc.NewClient("unix:"+e.path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, err
	}
	c := &client{runtime.NewRuntimeServiceClient(conn), conn}
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	if _, err := c.Version(ctx, &runtime.VersionRequest{}); err != nil {
		return nil, errors.Join(explain(err), conn.Close())
	}
	return c, nil
}

// explain words a gRPC status for the user.
func explain(err error) error {
	s, _ := status.FromError(err)
	message := cleanMessage(s.Message())
	switch s.Code() {
	case codes.DeadlineExceeded:
		return fmt.Errorf("no answer within %v. Is it running?", Deadline)
	case codes.Unavailable:
		return fmt.Errorf("it does not answer. Is it running, and does lsmprof run as root? (%s)", message)
	case codes.Unimplemented:
		return fmt.Errorf("it does not speak CRI v1. containerd does from 1.6 on unless its cri plugin is "+
			"disabled, CRI-O from 1.23 on (%s)", message)
	case codes.NotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, message)
	}
	return errors.New(message)
}

// explainExec is explain for the execution of a program, where the deadline is the program's.
func explainExec(err error) error {
	s, _ := status.FromError(err)
	if s.Code() == codes.DeadlineExceeded {
		return ErrTimeout
	}
	return explain(err)
}

// ErrNotFound means that the runtime does not know a container, or no longer does.
var ErrNotFound = errors.New("no such container")
