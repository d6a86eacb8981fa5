package cri

import "encoding/json"

// maxInfo bounds what is parsed of a verbose status, in bytes. containerd writes some 10 KiB.
const maxInfo = 4 << 20

// info is what runtimes add to a status when asked to be verbose. No standard defines it; containerd and CRI-O agree.
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

// parseInfo adds the main process, the cgroup and the user to a container, from a verbose status. A value that is
// missing or makes no sense stays as it is.
func (c *Container) parseInfo(text string) {
	var i info
	if len(text) > maxInfo || json.Unmarshal([]byte(text), &i) != nil {
		return
	}
	if i.PID > 1 {
		c.PID = i.PID
	}
	c.cgroups = spellings(i.Spec.Linux.CgroupsPath)
	if user := i.Spec.Process.User; user.UID >= 0 && user.GID >= 0 {
		c.UID, c.GID = user.UID, user.GID
	}
}
