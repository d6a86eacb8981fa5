// Package deploy embeds the manifests, the Dockerfile, the dashboard and the rules, so that tests can compare them with
// what lsmprof needs and exports.
package deploy

import (
	"embed"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Files are the manifests, the Helm chart, the Dockerfile, the dashboard, the rules for Prometheus and the profiles
// that confine lsmprof.
//
//go:embed Dockerfile kubernetes grafana prometheus security all:helm
var Files embed.FS

// PodSpec is the part of the DaemonSet's pod that limits what lsmprof may do and see.
type PodSpec struct {
	HostPID         bool            `yaml:"hostPID"`
	SecurityContext SecurityContext `yaml:"securityContext"`
	Containers      []Container
	Volumes         []struct {
		Name     string
		HostPath struct{ Path string } `yaml:"hostPath"`
	}
}

// Container is the container of lsmprof.
type Container struct {
	Name, Image     string
	Args            []string
	Env             []struct{ Name, Value string }
	Resources       struct{ Limits struct{ Memory string } }
	SecurityContext SecurityContext `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

// SecurityContext is the security context of a pod or of a container.
type SecurityContext struct {
	Privileged               bool
	AllowPrivilegeEscalation bool  `yaml:"allowPrivilegeEscalation"`
	ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
	RunAsUser                int64 `yaml:"runAsUser"`
	Capabilities             struct{ Add, Drop []string }
	SeccompProfile           struct{ Type string } `yaml:"seccompProfile"`
}

// Pod returns the pod of the DaemonSet. Its only container is lsmprof's.
func Pod() (PodSpec, error) { return podOf("kubernetes/base/daemonset.yaml") }

// JobPod returns the pod of the Job that measures a node once. Its only container is lsmprof's.
func JobPod() (PodSpec, error) { return podOf("kubernetes/job.yaml") }

// podOf returns the pod of a DaemonSet or a Job.
func podOf(file string) (PodSpec, error) {
	text, err := Files.ReadFile(file)
	if err != nil {
		return PodSpec{}, err
	}
	var set struct {
		Spec struct{ Template struct{ Spec PodSpec } }
	}
	if err := yaml.Unmarshal(text, &set); err != nil {
		return PodSpec{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(set.Spec.Template.Spec.Containers) != 1 {
		return PodSpec{}, fmt.Errorf("%s: want one container", file)
	}
	return set.Spec.Template.Spec, nil
}
