package cri

import "encoding/json"

// maxInfo is the most that is parsed of what a runtime says about a container, bytes: containerd's is some ten KiB.
const maxInfo = 4 << 20

// info is what runtimes add to a status when asked to be verbose. No standard has it, but containerd and CRI-O agree.
type info struct {
	PID  int `json:"pid"`
	Spec struct {
		Process struct {
			User struct {
				UID int `json:"uid"`
				GID int `json:"gid"`
			} `json:"user"`
		} `json:"process"`
		Linux struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	} `json:"runtimeSpec"`
}

// parseInfo adds the main process, the cgroup and the user to a container, from a verbose status. A value that is missing or
// makes no sense stays as it is.
func (c *Container) parseInfo(text string) {
	var i info
	if len(text) > maxInfo || json.Unmarshal([]byte(text), &i) != nil {
		return
	}
	if i.PID > 1 {
		c.PID = i.PID
	}
	if path, err := expandCgroup(i.Spec.Linux.CgroupsPath); err == nil {
		c.Cgroup = path
	}
	if user := i.Spec.Process.User; user.UID >= 0 && user.GID >= 0 {
		c.UID, c.GID = user.UID, user.GID
	}
}
