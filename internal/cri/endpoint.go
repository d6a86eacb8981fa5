package cri

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/yamlerr"
)

const (
	endpointEnv = "CONTAINER_RUNTIME_ENDPOINT"
	configEnv   = "CRI_CONFIG_FILE"
	configFile  = "/etc/crictl.yaml"
)

// sockets are the usual places: containerd's, CRI-O's, cri-dockerd's, and those of the containerd in k3s, k0s and
// MicroK8s.
var sockets = []string{
	"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock",
	"/run/k3s/containerd/containerd.sock", "/run/k0s/containerd.sock",
	"/var/snap/microk8s/common/run/containerd.sock",
}

// ErrNone is returned if no runtime is configured and none has a socket in the usual places.
var ErrNone = errors.New("no container runtime: no socket at " + strings.Join(sockets, ", "))

// endpoint is the path of a socket, and what named it.
type endpoint struct{ path, from string }

// endpoints returns the sockets to try: the given one, else that in the environment, else that in crictl's
// configuration, else those of the usual ones that exist.
func endpoints(given string) ([]endpoint, error) {
	if given != "" {
		return one(given, "")
	}
	if s := os.Getenv(endpointEnv); s != "" {
		return one(s, endpointEnv)
	}
	s, file, err := configured()
	if err != nil {
		return nil, err
	}
	if s != "" {
		return one(s, file)
	}
	var all []endpoint
	for _, path := range sockets {
		if _, err := os.Stat(path); err == nil {
			all = append(all, endpoint{path: path})
		}
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all, nil
}

func one(s, from string) ([]endpoint, error) {
	path, err := ParseEndpoint(s)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", cmp.Or(from, "endpoint"), s, err)
	}
	return []endpoint{{path, from}}, nil
}

// ParseEndpoint returns the path of a runtime's socket. Like crictl, it takes a URL, unix:///run/x.sock or
// unix:/run/x.sock, and a plain path.
func ParseEndpoint(s string) (string, error) {
	s = strings.TrimSpace(s) // of a variable that was read from a file
	path := s
	if u, err := url.Parse(s); err == nil && u.Scheme == "unix" && u.Host == "" {
		path = u.Path
	}
	if !filepath.IsAbs(path) {
		return "", errors.New("must be a socket, such as unix:///run/containerd/containerd.sock")
	}
	return path, nil
}

// configured returns the runtime-endpoint in crictl's configuration, "" without one, and the name of the file. A file
// that the environment names must exist.
func configured() (endpoint, file string, err error) {
	named := os.Getenv(configEnv)
	file = configFile
	if named != "" {
		file = named
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && named == "":
		return "", file, nil
	case err != nil && named != "":
		return "", file, fmt.Errorf("%s: %w", configEnv, err)
	case err != nil:
		return "", file, fmt.Errorf("crictl's configuration: %w", err)
	}
	endpoint, err = parseConfig(data)
	if err != nil {
		return "", file, fmt.Errorf("crictl's configuration %s: %w", file, err)
	}
	return endpoint, file, nil
}

func parseConfig(data []byte) (string, error) {
	var c struct {
		Endpoint string `yaml:"runtime-endpoint"`
	}
	if err := yaml.Unmarshal(data, &c); err != nil {
		line, what := yamlerr.Line(data, err)
		return "", fmt.Errorf("line %d: %s", line, what)
	}
	return c.Endpoint, nil
}
