package containerid

import (
	"slices"
	"strings"
	"testing"
)

func TestAll(t *testing.T) {
	id, outer := strings.Repeat("5ca1ab1e", 8), strings.Repeat("0123456789abcdef", 4)
	pod := "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_3.slice/"
	for name, c := range map[string]struct {
		path string
		want []string
	}{
		"no container":        {"/system.slice/cron.service", nil},
		"root":                {"/", nil},
		"none":                {"", nil},
		"docker, cgroupfs":    {"/docker/" + id, []string{id}},
		"docker, systemd":     {"/system.slice/docker-" + id + ".scope", []string{id}},
		"kubelet, cgroupfs":   {"/kubepods/burstable/pod12-3/" + id, []string{id}},
		"containerd, systemd": {pod + "cri-containerd-" + id + ".scope", []string{id}},
		"containerd, colons":  {"/kubepods-besteffort-pod12_3.slice:cri-containerd:" + id, []string{id}},
		"colons below the service": {"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" +
			id, []string{id}},
		"CRI-O, cgroupfs": {"/kubepods/besteffort/pod12-3/crio-" + id, []string{id}},
		"CRI-O, crun":     {pod + "crio-" + id + ".scope/container", []string{id}},
		"podman, crun":    {"/machine.slice/libpod-" + id + ".scope/container", []string{id}},
		"podman, rootless": {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id +
			".scope/container", []string{id}},
		"podman, cgroupfs": {"/libpod_parent/libpod-" + id, []string{id}},
		"podman's monitor": {"/machine.slice/libpod-conmon-" + id + ".scope", nil},
		"CRI-O's monitor":  {pod + "crio-conmon-" + id + ".scope", nil},
		"podman's pod": {
			"/machine.slice/machine-libpod_pod_" + outer + ".slice/libpod-" + id + ".scope/container",
			[]string{id},
		},
		"podman's pod, cgroupfs": {"/libpod_parent/" + outer + "/libpod-" + id, []string{id}},
		"monitor in podman's pod": {"/machine.slice/machine-libpod_pod_" + outer + ".slice/libpod-conmon-" +
			id + ".scope", nil},
		"monitor in a pod, cgroupfs": {"/libpod_parent/" + outer + "/conmon", nil},
		"podman, split cgroups": {
			"/system.slice/web.service/libpod-payload-" + id, []string{id},
		},
		"cri-dockerd": {pod + "docker-" + id + ".scope", []string{id}},
		"docker in kind": {
			"/docker/" + outer + "/kubelet/kubepods/besteffort/pod1/" + id,
			[]string{outer, id},
		},
		"ECS":                   {"/ecs/0123456789abcdef0123456789abcdef/" + id, []string{id}},
		"k3s, cgroupfs":         {"/k3s/kubepods/besteffort/pod12-3/" + id, []string{id}},
		"colons, empty slice":   {"/:cri-containerd:" + id, []string{id}},
		"crun without a prefix": {pod + id + ".scope", []string{id}},
		"a nested scope":        {pod + "cri-containerd-" + id + ".scope/init.scope", []string{id}},
		"static pod": {
			"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" + id,
			[]string{id},
		},
		"nerdctl":                {"/system.slice/nerdctl-" + id + ".scope", []string{id}},
		"systemd in a container": {"/docker/" + id + "/system.slice/nginx.service", []string{id}},
		"a kubelet in a container": {"/docker/" + outer +
			"/kubelet.slice/kubelet-kubepods.slice/cri-containerd-" + id + ".scope", []string{outer, id}},
		"from a cgroup namespace":    {"/../../" + id, []string{id}},
		"63 digits":                  {"/docker/" + id[1:], nil},
		"65 digits":                  {"/docker/a" + id, nil},
		"a digest of another length": {"/x/" + id + id, nil},
	} {
		if got := All(c.path); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
