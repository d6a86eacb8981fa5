// Package deploy holds what is needed to run lsmprof on many nodes, for the tests that hold it to what lsmprof does.
package deploy

import (
	"embed"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Files are the manifests, the Dockerfile and the dashboard.
//
//go:embed Dockerfile kubernetes grafana
var Files embed.FS

// Capabilities are those that the DaemonSet gives lsmprof: all that it has.
func Capabilities() ([]string, error) {
	text, err := Files.ReadFile("kubernetes/base/daemonset.yaml")
	if err != nil {
		return nil, err
	}
	var set struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						SecurityContext struct{ Capabilities struct{ Add []string } } `yaml:"securityContext"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &set); err != nil || len(set.Spec.Template.Spec.Containers) != 1 {
		return nil, fmt.Errorf("the DaemonSet: %w, or not one container", err)
	}
	return set.Spec.Template.Spec.Containers[0].SecurityContext.Capabilities.Add, nil
}
