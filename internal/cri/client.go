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

	"github.com/lsmprof/lsmprof/internal/text"
)

// Deadline of a call to the runtime.
const Deadline = 2 * time.Second

// maxMessage is the kubelet's limit; a node full of containers needs more than gRPC's own of 4 MiB.
const maxMessage = 16 << 20

// client is a connection to a runtime that has answered.
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

// explain says what a gRPC status means to who runs lsmprof.
func explain(err error) error {
	s, _ := status.FromError(err)
	message := text.Clean(s.Message(), maxImage, "")
	switch s.Code() {
	case codes.DeadlineExceeded:
		return fmt.Errorf("no answer within %v; is it running?", Deadline)
	case codes.Unavailable:
		return fmt.Errorf("it does not answer; is it running, and is lsmprof run as root? (%s)", message)
	case codes.Unimplemented:
		return fmt.Errorf("it does not speak CRI v1, which containerd does since 1.6 where its cri plugin is not disabled, and CRI-O since 1.23 (%s)", message)
	case codes.NotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, message)
	}
	return errors.New(message)
}

// explainExec tells a program that was killed for its time from a runtime that does not answer.
func explainExec(err error) error {
	s, _ := status.FromError(err)
	if s.Code() == codes.DeadlineExceeded {
		return ErrTimeout
	}
	return explain(err)
}

// ErrNotFound is a container that the runtime does not know, or no longer.
var ErrNotFound = errors.New("no such container")
