package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"net"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/examples"
	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// varmorPolicy has the fields of crd.varmor.org/v1beta1 that the examples use, as vArmor v0.8 to v0.10 declare them.
type varmorPolicy struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Spec struct {
		Target struct {
			Kind     string `yaml:"kind"`
			Selector struct {
				MatchLabels map[string]string `yaml:"matchLabels"`
			} `yaml:"selector"`
		} `yaml:"target"`
		Policy struct {
			Enforcer       string          `yaml:"enforcer"`
			Mode           string          `yaml:"mode"`
			EnhanceProtect *enhanceProtect `yaml:"enhanceProtect"`
		} `yaml:"policy"`
	} `yaml:"spec"`
}

type enhanceProtect struct {
	Privileged     bool     `yaml:"privileged"`
	HardeningRules []string `yaml:"hardeningRules"`
	BPFRawRules    struct {
		Files     []varmorFileRule `yaml:"files"`
		Processes []varmorFileRule `yaml:"processes"`
		Network   struct {
			Egress struct {
				ToDestinations []varmorDestination `yaml:"toDestinations"`
			} `yaml:"egress"`
		} `yaml:"network"`
	} `yaml:"bpfRawRules"`
}

type varmorFileRule struct {
	Qualifiers  []string `yaml:"qualifiers"`
	Pattern     string   `yaml:"pattern"`
	Permissions []string `yaml:"permissions"`
}

type varmorDestination struct {
	Qualifiers []string `yaml:"qualifiers"`
	IP         string   `yaml:"ip"`
	CIDR       string   `yaml:"cidr"`
	Ports      []struct {
		Port    uint16 `yaml:"port"`
		EndPort uint16 `yaml:"endPort"`
	} `yaml:"ports"`
}

// strict decodes one YAML document. It refuses fields that into lacks.
func strict(data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("a second document, %v", err)
	}
	return nil
}

// readVArmorPolicy returns the rules that vArmor puts into its maps for a policy. It refuses a policy that vArmor's
// manager would refuse.
func readVArmorPolicy(data []byte) (rules enforcer.Rules, err error) {
	var p varmorPolicy
	if err := strict(data, &p); err != nil {
		return rules, err
	}
	spec := p.Spec
	if p.APIVersion != "crd.varmor.org/v1beta1" || p.Kind != "VarmorPolicy" || p.Metadata.Name == "" ||
		p.Metadata.Namespace == "" || spec.Policy.Enforcer != "BPF" ||
		!slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Pod"}, spec.Target.Kind) {
		return rules, fmt.Errorf("%+v", p)
	}
	switch spec.Policy.Mode {
	case "AlwaysAllow":
		return rules, nil
	case "EnhanceProtect":
		return spec.Policy.EnhanceProtect.rules()
	}
	return rules, fmt.Errorf("mode %q", spec.Policy.Mode)
}

// varmorCapabilities are the hardening rules of the published vArmor benchmark that disable one capability.
var varmorCapabilities = map[string]uint{
	"disable-cap-net-raw": 13, "disable-cap-sys-module": 16, "disable-cap-sys-boot": 22, "disable-cap-mknod": 27,
}

func (e *enhanceProtect) rules() (r enforcer.Rules, err error) {
	if e == nil || !e.Privileged {
		return r, errors.New("not privileged: the rules of RuntimeDefault come on top")
	}
	var caps uint64
	for _, name := range e.HardeningRules {
		bit, ok := varmorCapabilities[name]
		if !ok {
			return r, fmt.Errorf("hardening rule %q", name)
		}
		caps |= 1 << bit
	}
	r.Cap = bits.OnesCount64(caps)
	for _, rule := range slices.Concat(e.BPFRawRules.Files, e.BPFRawRules.Processes) {
		if err := rule.check(); err != nil {
			return r, err
		}
		if slices.Contains(rule.Permissions, "exec") {
			r.Exec++
		}
		if slices.ContainsFunc(rule.Permissions, func(p string) bool { return p != "exec" }) {
			r.File++
		}
	}
	for _, d := range e.BPFRawRules.Network.Egress.ToDestinations {
		_, _, err := net.ParseCIDR(d.CIDR)
		if (net.ParseIP(d.IP) == nil) == (err != nil) || d.IP != "" && d.CIDR != "" ||
			!slices.Equal(d.Qualifiers, []string{"deny"}) {
			return r, fmt.Errorf("destination %+v", d)
		}
		r.Net++
	}
	return r, nil
}

// check checks vArmor's syntax of patterns: one globbing, less than 64 characters on either side of it, and * in names
// only.
func (r varmorFileRule) check() error {
	if !slices.Equal(r.Qualifiers, []string{"deny"}) || strings.Count(r.Pattern, "**") > 1 || r.Pattern == "" {
		return fmt.Errorf("rule %+v", r)
	}
	before, after, _ := strings.Cut(r.Pattern, "**")
	if strings.Contains(before+after, "*") || len(before) >= 64 || len(after) >= 64 {
		return fmt.Errorf("pattern %q", r.Pattern)
	}
	for _, p := range r.Permissions {
		if !slices.Contains([]string{"read", "write", "append", "exec"}, p) {
			return fmt.Errorf("permission %q", p)
		}
	}
	return nil
}

func TestExampleVArmorPolicies(t *testing.T) {
	for n, want := range map[string]enforcer.Rules{
		"0": {}, "1": {File: 1, Exec: 1, Net: 1, Cap: 1}, "2": {File: 2, Exec: 2, Net: 2, Cap: 2},
		"4": {File: 4, Exec: 4, Net: 4, Cap: 4}, "8": {File: 8, Exec: 8, Net: 8, Cap: 4},
	} {
		data, err := fs.ReadFile(examples.Files, "varmor/policy-"+n+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readVArmorPolicy(data); err != nil || got != want {
			t.Errorf("policy-%s.yaml: %+v, %v; want %+v", n, got, err, want)
		}
		if n == "8" {
			for _, broken := range [][2]string{
				{"pattern:", "patterns:"},
				{"qualifiers: [deny], ip", "ip"},
				{"/ttt/**/a", "/ttt/**/*"},
				{"privileged: true", "privileged: false"},
			} {
				changed := bytes.Replace(data, []byte(broken[0]), []byte(broken[1]), 1)
				if _, err := readVArmorPolicy(changed); err == nil {
					t.Errorf("%s instead of %s is accepted", broken[1], broken[0])
				}
			}
		}
	}
}

func TestExampleVArmorWorkload(t *testing.T) {
	data, err := fs.ReadFile(examples.Files, "varmor/workload.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pod struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name, Namespace     string
			Labels, Annotations map[string]string
		} `yaml:"metadata"`
		Spec struct {
			Containers []struct {
				Name, Image string
				Command     []string
			} `yaml:"containers"`
		} `yaml:"spec"`
	}
	if err := strict(data, &pod); err != nil {
		t.Fatal(err)
	}
	policyData, _ := fs.ReadFile(examples.Files, "varmor/policy-0.yaml")
	var policy varmorPolicy
	if err := strict(policyData, &policy); err != nil {
		t.Fatal(err)
	}
	if pod.APIVersion != "v1" || pod.Kind != policy.Spec.Target.Kind ||
		pod.Metadata.Namespace != policy.Metadata.Namespace || len(pod.Spec.Containers) != 1 {
		t.Errorf("%+v is not the target of %+v", pod, policy)
	}
	for label, value := range policy.Spec.Target.Selector.MatchLabels {
		if pod.Metadata.Labels[label] != value {
			t.Errorf("the pod has the labels %v, the policy selects %s=%s",
				pod.Metadata.Labels, label, value)
		}
	}
	apparmor := "container.apparmor.security.beta.kubernetes.io/" + pod.Spec.Containers[0].Name
	if pod.Metadata.Labels["sandbox.varmor.org/enable"] != "true" ||
		pod.Metadata.Annotations[apparmor] != "unconfined" {
		t.Errorf("%+v: vArmor's webhook ignores it, or AppArmor confines it", pod.Metadata)
	}
}
