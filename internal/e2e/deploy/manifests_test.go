// Package deploy checks the manifests against the schemas of Kubernetes and against one another.
package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/lsmprof/lsmprof/deploy"
)

// objects are what `kubectl apply -k` sends, by kind.
func objects(t *testing.T, overlay string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, deploy.Files); err != nil {
		t.Fatal(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(),
		filepath.Join(dir, "kubernetes", overlay))
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string][]byte{}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if byKind[r.GetKind()] != nil {
			t.Fatalf("two of %s", r.GetKind())
		}
		byKind[r.GetKind()] = text
	}
	return byKind
}

// strictly fails on every field that the type does not have.
func strictly(t *testing.T, text []byte, into any) {
	t.Helper()
	if text == nil {
		t.Fatalf("no %T", into)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%T: %v in\n%s", into, err, text)
	}
}

// podMonitor has the fields of a PodMonitor of monitoring.coreos.com/v1 that the manifest uses.
type podMonitor struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name, Namespace string
		Labels          map[string]string
	} `json:"metadata"`
	Spec struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		PodMetricsEndpoints []struct {
			Port, Path, Interval string
			ScrapeTimeout        string `json:"scrapeTimeout"`
			HonorLabels          bool   `json:"honorLabels"`
			Authorization        struct {
				Type        string
				Credentials corev1.SecretKeySelector
			} `json:"authorization"`
			Relabelings []struct {
				SourceLabels []string `json:"sourceLabels"`
				TargetLabel  string   `json:"targetLabel"`
			} `json:"relabelings"`
		} `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

// prometheusRule has the fields of a PrometheusRule of monitoring.coreos.com/v1 that the manifest uses.
type prometheusRule struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name, Namespace string
		Labels          map[string]string
	} `json:"metadata"`
	Spec ruleGroups `json:"spec"`
}

// ruleGroups are the rules of Prometheus.
type ruleGroups struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	} `json:"groups"`
}

func TestTheOperatorGetsTheSameRules(t *testing.T) {
	text, err := deploy.Files.ReadFile("prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file ruleGroups
	var object prometheusRule
	strictly(t, text, &file)
	strictly(t, objects(t, "prometheus-operator")["PrometheusRule"], &object)
	if len(file.Groups) != 2 || !reflect.DeepEqual(object.Spec, file) {
		t.Error("prometheusrule.yaml differs from prometheus/rules.yaml")
	}
}

func TestManifestsMatchTheirSchemas(t *testing.T) {
	for _, overlay := range []string{"base", "confined", "prometheus-operator"} {
		t.Run(overlay, func(t *testing.T) {
			all := objects(t, overlay)
			want := map[string]any{
				"Namespace": &corev1.Namespace{}, "ServiceAccount": &corev1.ServiceAccount{},
				"Service": &corev1.Service{}, "DaemonSet": &appsv1.DaemonSet{},
				"NetworkPolicy": &networkingv1.NetworkPolicy{},
			}
			if overlay == "prometheus-operator" {
				want["PodMonitor"], want["PrometheusRule"] = &podMonitor{}, &prometheusRule{}
			}
			for kind, into := range want {
				strictly(t, all[kind], into)
			}
			for kind := range all {
				if want[kind] == nil {
					t.Errorf("%s is not checked", kind)
				}
			}
		})
	}
}

// The confined DaemonSet differs from the base by its profiles alone.
func TestConfinedOverlay(t *testing.T) {
	var base, confined appsv1.DaemonSet
	strictly(t, objects(t, "base")["DaemonSet"], &base)
	strictly(t, objects(t, "confined")["DaemonSet"], &confined)
	context := confined.Spec.Template.Spec.SecurityContext
	if a := context.AppArmorProfile; a == nil || a.Type != "Localhost" || a.LocalhostProfile == nil ||
		*a.LocalhostProfile != "lsmprof" {
		t.Errorf("AppArmor: %+v", a)
	}
	if s := context.SeccompProfile; s.Type != "Localhost" || s.LocalhostProfile == nil ||
		*s.LocalhostProfile != "lsmprof.json" {
		t.Errorf("seccomp: %+v", s)
	}
	context.AppArmorProfile, context.SeccompProfile = nil, base.Spec.Template.Spec.SecurityContext.SeccompProfile
	if !reflect.DeepEqual(base, confined) {
		t.Error("the overlay changes more than the profiles")
	}
}

// docs/kubernetes.md says how many system calls lsmprof's own profile allows.
func TestDocsCountSystemCalls(t *testing.T) {
	text, err := deploy.Files.ReadFile("security/lsmprof.seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	var profile struct{ Syscalls []struct{ Names []string } }
	if err := yaml.Unmarshal(text, &profile); err != nil {
		t.Fatal(err)
	}
	allowed := 0
	for _, s := range profile.Syscalls {
		allowed += len(s.Names)
	}
	page, err := os.ReadFile("../../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("`deploy/security/lsmprof.seccomp.json`, which allows %d system calls", allowed)
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/kubernetes.md lacks %q", want)
	}
}

// The Job has the privileges and the mounts of the DaemonSet, without its token.
func TestJobMatchesTheDaemonSet(t *testing.T) {
	text, err := deploy.Files.ReadFile("kubernetes/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job batchv1.Job
	var set appsv1.DaemonSet
	strictly(t, text, &job)
	strictly(t, objects(t, "base")["DaemonSet"], &set)
	got, want := job.Spec.Template.Spec, set.Spec.Template.Spec
	if !reflect.DeepEqual(got.Containers[0].SecurityContext, want.Containers[0].SecurityContext) ||
		!reflect.DeepEqual(got.SecurityContext, want.SecurityContext) || got.HostPID != want.HostPID {
		t.Errorf("the Job has other privileges: %+v", got)
	}
	if !reflect.DeepEqual(got.Volumes[1:], want.Volumes[1:]) || got.Volumes[0].EmptyDir == nil ||
		!reflect.DeepEqual(got.Containers[0].VolumeMounts[1:], want.Containers[0].VolumeMounts[1:]) {
		t.Errorf("the Job mounts %+v", got.Volumes)
	}
}

// Everything that a manifest refers to is defined in another one, or in the pod itself.
func TestManifestsFitTogether(t *testing.T) {
	all := objects(t, "prometheus-operator")
	var set appsv1.DaemonSet
	var service corev1.Service
	var monitor podMonitor
	strictly(t, all["DaemonSet"], &set)
	strictly(t, all["Service"], &service)
	strictly(t, all["PodMonitor"], &monitor)

	pod, labels := set.Spec.Template.Spec, set.Spec.Template.Labels
	for name, selector := range map[string]map[string]string{
		"DaemonSet": set.Spec.Selector.MatchLabels, "Service": service.Spec.Selector,
		"PodMonitor": monitor.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 {
			t.Errorf("%s selects everything", name)
		}
		for k, v := range selector {
			if labels[k] != v {
				t.Errorf("%s selects %s=%s, the pods have %v", name, k, v, labels)
			}
		}
	}
	c := pod.Containers[0]
	port := c.Ports[0]
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	for name, got := range map[string]string{
		"Service": service.Spec.Ports[0].TargetPort.String(), "PodMonitor": endpoint.Port,
		"liveness": c.LivenessProbe.HTTPGet.Port.String(), "readiness": c.ReadinessProbe.HTTPGet.Port.String(),
	} {
		if got != port.Name {
			t.Errorf("%s asks port %q, the container has %q", name, got, port.Name)
		}
	}
	if want := "--listen=:6061"; !slices.Contains(c.Args, want) || port.ContainerPort != 6061 {
		t.Errorf("args %v, port %d; want %s", c.Args, port.ContainerPort, want)
	}
	volumes := map[string]corev1.Volume{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v
	}
	for _, m := range c.VolumeMounts {
		if _, ok := volumes[m.Name]; !ok || !m.ReadOnly {
			t.Errorf("mount %+v: want a read-only one of a volume of the pod", m)
		}
		delete(volumes, m.Name)
	}
	if len(volumes) > 0 {
		t.Errorf("volumes that nothing mounts: %v", volumes)
	}
	if optional := pod.Volumes[0].Secret.Optional; optional != nil && *optional {
		t.Error("the pods would start before the secret exists")
	}
	if secret := endpoint.Authorization.Credentials; secret.Name != pod.Volumes[0].Secret.SecretName ||
		secret.Key != "token" || monitor.Metadata.Namespace != set.Namespace {
		t.Errorf("the PodMonitor takes the token from %+v in %s", secret, monitor.Metadata.Namespace)
	}
	if !endpoint.HonorLabels {
		t.Error("the labels namespace, pod and container would be those of lsmprof")
	}
}

func TestLeastPrivilege(t *testing.T) {
	var set appsv1.DaemonSet
	strictly(t, objects(t, "base")["DaemonSet"], &set)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0].SecurityContext
	if *c.Privileged || *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem ||
		!slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security context %+v", c)
	}
	if pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || pod.HostNetwork ||
		pod.HostIPC || *pod.AutomountServiceAccountToken {
		t.Errorf("pod %+v", pod)
	}
	parsed, err := deploy.Pod()
	if err != nil {
		t.Fatal(err)
	}
	capabilities := parsed.Containers[0].SecurityContext.Capabilities.Add
	var added []string
	for _, a := range c.Capabilities.Add {
		added = append(added, string(a))
	}
	if !slices.Equal(capabilities, added) {
		t.Errorf("the guest tests %v, the manifest adds %v", capabilities, added)
	}
}

// The image is built as `make build` builds, and has nothing but the binary.
func TestDockerfile(t *testing.T) {
	text, err := deploy.Files.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM scratch\n")
	var lines []string
	for line := range strings.Lines(last) {
		lines = append(lines, strings.Fields(line)[0])
	}
	if want := []string{"COPY", "ENTRYPOINT", "CMD"}; !slices.Equal(lines, want) {
		t.Errorf("the image is made by %v, want %v", lines, want)
	}
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "internal/cli.buildVersion="} {
		makefile, err := os.ReadFile("../../../Makefile")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) || !strings.Contains(string(makefile), want) {
			t.Errorf("%s is in only one of Makefile and Dockerfile", want)
		}
	}
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "\ngo ")
	version = strings.TrimSuffix(strings.SplitN(version, "\n", 2)[0], ".0")
	if want := "FROM golang:" + version + " AS"; !strings.Contains(string(text), want) {
		t.Errorf("no %q: go.mod wants it", want)
	}
}
