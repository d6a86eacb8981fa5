package cri

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/moby/spdystream"
	"golang.org/x/sync/errgroup"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Streams are the standard streams of a program. Each may be nil.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Exec starts a program in a container without a shell, copies its streams while it runs, and returns its exit status.
// When ctx is done, the program reads the end of its standard input. CRI cannot kill it; only Run can, by a limit.
func (r *Runtime) Exec(ctx context.Context, id string, argv []string, s Streams) (int, error) {
	c, err := r.dialed(ctx)
	if err != nil {
		return 0, err
	}
	status, err := c.exec(ctx, id, argv, s)
	if err != nil {
		return 0, fmt.Errorf("run %s in container %.12s: %w", argv[0], id, err)
	}
	return status, nil
}

func (c *client) exec(ctx context.Context, id string, argv []string, s Streams) (int, error) {
	asking, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	response, err := c.RuntimeServiceClient.Exec(asking, &runtime.ExecRequest{
		ContainerId: id, Cmd: argv, Stdin: s.Stdin != nil, Stdout: s.Stdout != nil, Stderr: s.Stderr != nil,
	})
	if err != nil {
		return 0, explainExec(err)
	}
	conn, err := upgrade(asking, response.GetUrl())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	status, err := converse(conn, s)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return status, err
}

// converse speaks Kubernetes' remotecommand protocol v4: it has a stream for each of the program's, and one for the
// exit status.
func converse(conn *streamConn, s Streams) (int, error) {
	end, err := conn.open("error")
	if err != nil {
		return 0, err
	}
	if err := end.Close(); err != nil { // lsmprof sends nothing
		return 0, err
	}
	// All streams are open before the first one carries data: a runtime reads none of them until it has them all,
	// and much of stdin would keep the other streams from being opened.
	streams := map[string]*spdystream.Stream{}
	for name, wanted := range map[string]bool{
		"stdin": s.Stdin != nil, "stdout": s.Stdout != nil, "stderr": s.Stderr != nil,
	} {
		if !wanted {
			continue
		}
		if streams[name], err = conn.open(name); err != nil {
			return 0, err
		}
	}
	if in := streams["stdin"]; in != nil {
		go func() { // Stdin may block after the program has ended
			_, _ = io.Copy(in, s.Stdin)
			_ = in.Close()
		}()
	}
	var output errgroup.Group
	for name, w := range map[string]io.Writer{"stdout": s.Stdout, "stderr": s.Stderr} {
		if out := streams[name]; out != nil {
			output.Go(func() error {
				_, err := io.Copy(w, out)
				return err
			})
		}
	}
	document, err := io.ReadAll(io.LimitReader(end, maxStatus))
	if err != nil {
		return 0, fmt.Errorf("the runtime closed the connection: %w", err)
	}
	status, err := parseStatus(document)
	return status, errors.Join(err, output.Wait())
}

// maxStatus bounds the text with the exit status, in bytes.
const maxStatus = 64 << 10

// parseStatus returns the exit status in a Kubernetes Status object. The text is empty if the connection broke.
func parseStatus(text []byte) (int, error) {
	var s struct {
		Status, Reason, Message string
		Details                 struct {
			Causes []struct{ Reason, Message string }
		}
	}
	if len(text) == 0 {
		return 0, errors.New("the runtime closed the connection. Did it stop, or did the container end?")
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return 0, fmt.Errorf("the exit status is not in JSON: %q", cleanMessage(string(text)))
	}
	if s.Status == "Success" {
		return 0, nil
	}
	for _, c := range s.Details.Causes {
		if s.Reason != "NonZeroExitCode" || c.Reason != "ExitCode" {
			continue
		}
		if code, err := strconv.Atoi(c.Message); err == nil && code > 0 && code < 256 {
			return code, nil
		}
	}
	return 0, errors.New(cmp.Or(cleanMessage(s.Message), "the runtime reports a failure without a reason"))
}
