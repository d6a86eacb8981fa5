package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/pods"
)

// containers are the flags about containers.
type containers struct{ pods.Selection }

const endpointUsage = "Ask the container runtime at this socket. By default lsmprof looks at " +
	"CONTAINER_RUNTIME_ENDPOINT, at crictl's configuration and at the usual sockets."

func (c *containers) flags(f *cmdline.Flags) {
	f.Group(cmdline.Containers)
	f.Var(cmdline.Globs(&c.Namespaces), "namespace", "Measure only containers of pods in these namespaces.")
	f.Var(cmdline.Globs(&c.Pods, podGlob), "pod",
		"Measure only containers of these pods, named NAME or NAMESPACE/NAME.")
	f.Var(cmdline.Globs(&c.Containers), "container", "Measure only containers with these names.")
	c.endpointFlag(f)
}

// podGlob refuses a glob that no pod can match.
func podGlob(g string) error {
	namespace, name, both := strings.Cut(g, "/")
	if strings.Contains(name, "/") || both && (namespace == "" || name == "") {
		return errors.New("must be NAME or NAMESPACE/NAME; --container selects containers of a pod")
	}
	return nil
}

// endpointFlag declares --runtime-endpoint alone.
func (c *containers) endpointFlag(f *cmdline.Flags) {
	c.Explain = adviseRuntime
	f.Var(endpointValue(&c.Endpoint), "runtime-endpoint", endpointUsage)
}

// endpointValue returns the value of a flag for the socket of a container runtime.
func endpointValue(s *string) pflag.Value {
	return cmdline.Checked(s, "SOCKET", func(s string) error {
		if s == "" {
			return nil
		}
		_, err := cri.ParseEndpoint(s)
		return err
	})
}

// newContainers returns the containers of the runtime at endpoint.
func newContainers(endpoint string) *containers {
	return &containers{pods.Selection{Endpoint: endpoint, Explain: adviseRuntime}}
}

// watch asks the runtime for names until ctx is done. It fails if the flags select containers and no runtime answers.
func (c *containers) watch(ctx context.Context) error {
	if err := c.Watch(ctx); err != nil {
		return fmt.Errorf("--namespace, --pod and --container need the container runtime: %w", err)
	}
	return nil
}

// adviseRuntime adds to an error of the runtime which flag helps.
func adviseRuntime(err error) error {
	if errors.Is(err, cri.ErrNone) {
		return fmt.Errorf("%w. Name another with --runtime-endpoint", err)
	}
	return err
}
