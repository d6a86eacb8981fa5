package cri

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	endpointEnv = "CONTAINER_RUNTIME_ENDPOINT"
	configEnv   = "CRI_CONFIG_FILE"
	configFile  = "/etc/crictl.yaml"
)

// sockets are where containerd, CRI-O and the containerd of k3s listen.
var sockets = []string{"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock"}

// ErrNone is returned where no runtime is configured and none has a socket in the usual places.
var ErrNone = errors.New("no container runtime: no socket at " + strings.Join(sockets, ", ") + "; --runtime-endpoint names another")

// endpoint is a socket and who named it.
type endpoint struct{ path, from string }

// endpoints are the sockets to try: the one that is named, else that of the environment, else that of crictl's configuration,
// else those of the usual ones that exist.
func endpoints(named string) ([]endpoint, error) {
	for _, e := range []endpoint{{named, "--runtime-endpoint"}, {os.Getenv(endpointEnv), endpointEnv}} {
		if e.path != "" {
			return socketOf(e)
		}
	}
	config := configFile
	if path := os.Getenv(configEnv); path != "" {
		config = path
	}
	path, err := configured(config)
	if err != nil {
		return nil, err
	}
	if path != "" {
		return socketOf(endpoint{path, config})
	}
	var all []endpoint
	for _, path := range sockets {
		if _, err := os.Stat(path); err == nil {
			all = append(all, endpoint{path, path})
		}
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all, nil
}

// socketOf takes the path out of unix:///path; a bare path is one, too.
func socketOf(e endpoint) ([]endpoint, error) {
	path := strings.TrimPrefix(e.path, "unix://")
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%s: %q is not unix:// and an absolute path", e.from, e.path)
	}
	return []endpoint{{path, e.from}}, nil
}

// configured is the runtime-endpoint of crictl's configuration, "" without one.
func configured(file string) (string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("crictl's configuration: %w", err)
	}
	path, err := parseConfig(data)
	if err != nil {
		return "", fmt.Errorf("crictl's configuration %s: %w", file, err)
	}
	return path, nil
}

func parseConfig(data []byte) (string, error) {
	var c struct {
		Endpoint string `yaml:"runtime-endpoint"`
	}
	if err := yaml.Unmarshal(data, &c); err != nil {
		return "", err
	}
	return c.Endpoint, nil
}
