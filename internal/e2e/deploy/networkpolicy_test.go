package deploy

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// traffic is a connection from or to a pod in another namespace.
type traffic struct {
	peer     string // its label app.kubernetes.io/name
	protocol corev1.Protocol
	port     int32
}

// peers are the pods, by their label app.kubernetes.io/name, that the tests try.
var peers = []string{"prometheus", "alloy", "parca", "web", "collector", "kube-dns"}

// admits reports whether one of the rules of a policy admits the traffic, as Kubernetes defines it: a rule without
// peers, or without ports, is for all of them.
func (c traffic) admits(t *testing.T, from []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort,
	pod corev1.PodSpec,
) bool {
	t.Helper()
	peer := func(p networkingv1.NetworkPolicyPeer) bool {
		// Without a selector of namespaces, only pods of the policy's own are meant.
		return p.IPBlock == nil && p.NamespaceSelector != nil &&
			selects(t, p.NamespaceSelector, labels.Set{"kubernetes.io/metadata.name": "monitoring"}) &&
			(p.PodSelector == nil || selects(t, p.PodSelector,
				labels.Set{"app.kubernetes.io/name": c.peer}))
	}
	port := func(p networkingv1.NetworkPolicyPort) bool {
		protocol, number := corev1.ProtocolTCP, int32(0)
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		switch {
		case p.EndPort != nil:
			t.Fatal("a range of ports")
		case p.Port == nil:
			number = c.port
		case p.Port.Type == intstr.Int:
			number = p.Port.IntVal
		default:
			for _, named := range pod.Containers[0].Ports {
				if named.Name == p.Port.StrVal {
					number = named.ContainerPort
				}
			}
		}
		return protocol == c.protocol && number == c.port
	}
	return (len(from) == 0 || slices.ContainsFunc(from, peer)) &&
		(len(ports) == 0 || slices.ContainsFunc(ports, port))
}

func selects(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}

// Only scrapers reach the port of lsmprof. lsmprof itself reaches only the receiver of its profiles.
func TestNetworkPolicy(t *testing.T) {
	otlp := func(endpoint string) map[string][]byte {
		return mustRender(t, "lsmprof", map[string]any{"otlp": map[string]any{"endpoint": endpoint}})
	}
	own := mustRender(t, "lsmprof", map[string]any{"port": 7000, "networkPolicy": map[string]any{"from": []any{
		map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{
			"kubernetes.io/metadata.name": "monitoring",
		}}},
	}}})
	dns := []traffic{{"kube-dns", corev1.ProtocolUDP, 53}, {"kube-dns", corev1.ProtocolTCP, 53}}
	scrapes := []traffic{
		{"prometheus", corev1.ProtocolTCP, 6061},
		{"alloy", corev1.ProtocolTCP, 6061},
		{"parca", corev1.ProtocolTCP, 6061},
	}
	for name, test := range map[string]struct {
		all     map[string][]byte
		in, out []traffic // all that is admitted
	}{
		"base":                {objects(t, "base"), scrapes, nil},
		"prometheus-operator": {objects(t, "prometheus-operator"), scrapes, nil},
		"confined":            {objects(t, "confined"), scrapes, nil},
		"chart":               {mustRender(t, "lsmprof", nil), scrapes, nil},
		"chart, own peers": {
			own, []traffic{
				{"prometheus", corev1.ProtocolTCP, 7000},
				{"alloy", corev1.ProtocolTCP, 7000},
				{"parca", corev1.ProtocolTCP, 7000},
				{"web", corev1.ProtocolTCP, 7000},
				{"collector", corev1.ProtocolTCP, 7000},
				{"kube-dns", corev1.ProtocolTCP, 7000},
			}, nil,
		},
		"chart, OTLP": {
			otlp("http://collector.observability:4318"), scrapes, anyOf(dns, 4318),
		},
		"chart, OTLP with a path": {otlp("https://otlp.example.com/in"), scrapes, anyOf(dns, 443)},
	} {
		t.Run(name, func(t *testing.T) {
			var policy networkingv1.NetworkPolicy
			var set appsv1.DaemonSet
			strictly(t, test.all["NetworkPolicy"], &policy)
			strictly(t, test.all["DaemonSet"], &set)
			pod := set.Spec.Template
			if !selects(t, &policy.Spec.PodSelector, pod.Labels) || selects(t, &policy.Spec.PodSelector,
				nil) {
				t.Errorf("it is for the pods %+v", policy.Spec.PodSelector)
			}
			both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
			if !slices.Equal(policy.Spec.PolicyTypes, both) {
				t.Errorf("types %v", policy.Spec.PolicyTypes)
			}
			for _, peer := range peers {
				for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP} {
					for _, port := range []int32{53, 80, 443, 4318, 6061, 7000} {
						c := traffic{peer, protocol, port}
						in := slices.ContainsFunc(policy.Spec.Ingress,
							func(r networkingv1.NetworkPolicyIngressRule) bool {
								return c.admits(t, r.From, r.Ports, pod.Spec)
							})
						out := slices.ContainsFunc(policy.Spec.Egress,
							func(r networkingv1.NetworkPolicyEgressRule) bool {
								return c.admits(t, r.To, r.Ports, pod.Spec)
							})
						if want := slices.Contains(test.in, c); in != want {
							t.Errorf("in %+v: %v, want %v", c, in, want)
						}
						if want := slices.Contains(test.out, c); out != want {
							t.Errorf("out %+v: %v, want %v", c, out, want)
						}
					}
				}
			}
		})
	}
}

// anyOf returns traffic to any peer at the ports of more, and at a port.
func anyOf(more []traffic, port int32) (all []traffic) {
	for _, peer := range peers {
		for _, m := range more {
			all = append(all, traffic{peer, m.protocol, m.port})
		}
		all = append(all, traffic{peer, corev1.ProtocolTCP, port})
	}
	return all
}
