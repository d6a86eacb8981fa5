package cri

import "encoding/json"

// maxInfo is the most that is parsed of what a runtime says about a container, bytes: containerd's is some ten KiB.
const maxInfo = 4 << 20

// info is what runtimes add to a status when asked to be verbose. No standard has it, but containerd and CRI-O agree.
type info struct {
	PID  int `json:"pid"`
	Spec struct {
		Linux struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	} `json:"runtimeSpec"`
}

// parseInfo takes the main process and the cgroup out of a verbose status. What is not there or makes no sense is 0 and "".
func parseInfo(text string) (pid int, cgroup string) {
	var i info
	if len(text) > maxInfo || json.Unmarshal([]byte(text), &i) != nil {
		return 0, ""
	}
	if i.PID > 1 {
		pid = i.PID
	}
	if path, err := expandCgroup(i.Spec.Linux.CgroupsPath); err == nil {
		cgroup = path
	}
	return pid, cgroup
}
