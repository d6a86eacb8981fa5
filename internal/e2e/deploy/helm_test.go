package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/lsmprof/lsmprof/deploy"
)

// chartDir returns a copy of the chart.
func chartDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, deploy.Files); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "helm", "lsmprof")
}

// render returns what `helm install` sends for values, by kind, and the notes under the kind "".
func render(t *testing.T, release string, values map[string]any) (map[string][]byte, error) {
	t.Helper()
	c, err := loader.Load(chartDir(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{
		Name: release, Namespace: "lsmprof", IsInstall: true,
	}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	byKind := map[string][]byte{}
	for name, text := range files {
		var object struct{ Kind string }
		switch {
		case strings.HasSuffix(name, "NOTES.txt"):
			byKind[""] = []byte(text)
			continue
		case !strings.HasSuffix(name, ".yaml") || strings.TrimSpace(text) == "":
			continue
		}
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		byKind[object.Kind] = []byte(text)
	}
	return byKind, nil
}

func mustRender(t *testing.T, release string, values map[string]any) map[string][]byte {
	t.Helper()
	all, err := render(t, release, values)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChartIsFreeOfLint(t *testing.T) {
	for _, m := range lint.AllWithKubeVersion(chartDir(t), nil, "lsmprof", nil).Messages {
		if m.Severity > support.InfoSev { // info: it has no icon
			t.Error(m)
		}
	}
}

// With its defaults the chart makes what the kustomize base makes, except the namespace, which helm creates.
func TestChartEqualsTheBase(t *testing.T) {
	base, chart := objects(t, "base"), mustRender(t, "lsmprof", nil)
	delete(base, "Namespace")
	delete(chart, "")
	if got, want := slices.Sorted(maps.Keys(chart)), slices.Sorted(maps.Keys(base)); !slices.Equal(got, want) {
		t.Fatalf("objects %q, want %q", got, want)
	}
	for kind := range base {
		var got, want map[string]any
		for text, into := range map[string]*map[string]any{
			string(chart[kind]): &got,
			string(base[kind]):  &want,
		} {
			if err := yaml.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		// Helm puts objects into its namespace itself.
		delete(want["metadata"].(map[string]any), "namespace")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%s\nwant\n%s", kind, chart[kind], base[kind])
		}
	}
}

func TestChartOnLoopbackNeedsNoSecret(t *testing.T) {
	all := mustRender(t, "lsmprof", map[string]any{"token": map[string]any{"secret": ""}})
	if all["Service"] != nil {
		t.Error("a service for a port that nobody outside the pod reaches")
	}
	var set appsv1.DaemonSet
	strictly(t, all["DaemonSet"], &set)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if !slices.Contains(c.Args, "--listen=127.0.0.1:6061") || strings.Contains(string(all["DaemonSet"]),
		"token-file") ||
		c.LivenessProbe != nil || c.ReadinessProbe != nil ||
		slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Secret != nil }) {
		t.Errorf("%s", all["DaemonSet"])
	}
	if notes := string(all[""]); strings.Contains(notes, "Bearer") || !strings.Contains(notes, "port-forward") {
		t.Errorf("notes: %s", notes)
	}
}

func TestChartValues(t *testing.T) {
	all := mustRender(t, "node-costs", map[string]any{
		"image": map[string]any{
			"repository": "registry.test/lsmprof", "tag": "1.2.3",
			"pullPolicy": "Always",
		},
		"port":    7000,
		"runtime": map[string]any{"directory": "/run/crio", "socket": "crio.sock"},
		"extraArgs": []any{
			"--memory=128M",
		},
		"podLabels": map[string]any{"team": "a"}, "podAnnotations": map[string]any{"b": "c"},
		"priorityClassName": "system-node-critical",
		"imagePullSecrets":  []any{map[string]any{"name": "pull"}},
		"appArmorProfile":   map[string]any{"type": "Localhost", "localhostProfile": "lsmprof"},
	})
	var set appsv1.DaemonSet
	var service corev1.Service
	var account corev1.ServiceAccount
	var policy networkingv1.NetworkPolicy
	strictly(t, all["DaemonSet"], &set)
	strictly(t, all["Service"], &service)
	strictly(t, all["ServiceAccount"], &account)
	strictly(t, all["NetworkPolicy"], &policy)
	pod := set.Spec.Template
	c := pod.Spec.Containers[0]
	for what, ok := range map[string]bool{
		"names": set.Name == "node-costs-lsmprof" && service.Name == set.Name && account.Name == set.Name &&
			pod.Spec.ServiceAccountName == set.Name,
		"image": c.Image == "registry.test/lsmprof:1.2.3" && c.ImagePullPolicy == corev1.PullAlways,
		"port": c.Ports[0].ContainerPort == 7000 && service.Spec.Ports[0].Port == 7000 &&
			slices.Contains(c.Args, "--listen=:7000"),
		"runtime": slices.Contains(c.Args, "--runtime-endpoint=unix:///run/crio/crio.sock") &&
			slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
				return v.HostPath != nil && v.HostPath.Path == "/run/crio"
			}),
		"AppArmor":  *pod.Spec.SecurityContext.AppArmorProfile.LocalhostProfile == "lsmprof",
		"arguments": c.Args[len(c.Args)-1] == "--memory=128M",
		"pod": pod.Labels["team"] == "a" && pod.Annotations["b"] == "c" &&
			pod.Spec.PriorityClassName == "system-node-critical" &&
			pod.Spec.ImagePullSecrets[0].Name == "pull",
		"selectors": reflect.DeepEqual(set.Spec.Selector.MatchLabels, service.Spec.Selector) &&
			reflect.DeepEqual(policy.Spec.PodSelector.MatchLabels, service.Spec.Selector) &&
			pod.Labels["app.kubernetes.io/instance"] == "node-costs",
		"policy": len(policy.Spec.Egress) == 0 && len(policy.Spec.PolicyTypes) == 2 &&
			policy.Spec.Ingress[0].Ports[0].Port.StrVal == "http",
	} {
		if !ok {
			t.Errorf("%s:\n%s", what, all["DaemonSet"])
		}
	}
}

func TestChartRefusesMistakes(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"unknown value":  {"imagee": map[string]any{}},
		"port":           {"port": 80},
		"socket's path":  {"runtime": map[string]any{"socket": "/run/x.sock"}},
		"argument":       {"extraArgs": []any{"memory=1"}},
		"empty registry": {"image": map[string]any{"repository": ""}},
	} {
		if _, err := render(t, "lsmprof", values); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
