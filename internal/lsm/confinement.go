package lsm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Policies of a security module that have no name.
const (
	PolicyUnknown = "unknown" // the module does not show it
	PolicyMixed   = "mixed"   // processes of the mount namespace are under different ones
)

// attributes are the files below /proc/PID/attr in which modules show the policy of a task. AppArmor and Smack have
// their own folders since Linux 5.8; SELinux has the old file, unless another module has it.
var attributes = map[string][]string{
	"apparmor": {"apparmor/current", "current"},
	"selinux":  {"selinux/current", "current"},
	"smack":    {"smack/current", "current"},
}

// withPolicies are the modules whose cost depends on a policy of the task. The others have one rule for all.
var withPolicies = map[string]bool{"apparmor": true, "selinux": true, "smack": true, "landlock": true, "tomoyo": true}

// Confinement knows under which policies of security modules the processes of each mount namespace are. It looks at
// most once per second. The zero value is ready. It is not safe for concurrent use.
type Confinement struct {
	proc   string // "": /proc
	looked time.Time
	byNS   map[uint32]map[string]string // by module
}

// Policy returns the policy of a mount namespace under a module: the profile of AppArmor with its mode, the type of
// SELinux's domain, PolicyMixed, PolicyUnknown, or "" for a module without policies.
func (c *Confinement) Policy(module string, mntns uint32) string {
	if !withPolicies[module] {
		return ""
	}
	if attributes[module] == nil {
		return PolicyUnknown
	}
	if time.Since(c.looked) > time.Second {
		c.look()
	}
	if p, ok := c.byNS[mntns][module]; ok {
		return p
	}
	return PolicyUnknown
}

// All returns the policies of each mount namespace, by module. The caller must not change them.
func (c *Confinement) All() map[uint32]map[string]string {
	if time.Since(c.looked) > time.Second {
		c.look()
	}
	return c.byNS
}

// look reads the policies of all processes. A namespace whose processes are gone keeps its policy.
func (c *Confinement) look() {
	c.looked = time.Now()
	if c.proc == "" {
		c.proc = "/proc"
	}
	entries, err := os.ReadDir(c.proc)
	if err != nil {
		return
	}
	now := map[uint32]map[string]string{}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		dir := filepath.Join(c.proc, e.Name())
		var ns uint32
		link, _ := os.Readlink(filepath.Join(dir, "ns/mnt"))
		if n, _ := fmt.Sscanf(link, "mnt:[%d]", &ns); n != 1 {
			continue // it ended
		}
		if now[ns] == nil {
			now[ns] = map[string]string{}
		}
		for module := range attributes {
			p := policyOf(dir, module)
			if p == "" {
				continue
			}
			if before, ok := now[ns][module]; ok && before != p {
				p = PolicyMixed
			}
			now[ns][module] = p
		}
	}
	for ns, old := range c.byNS {
		if now[ns] == nil {
			now[ns] = old
		}
	}
	c.byNS = now
}

// policyOf reads the policy of a process, "" if it cannot be read.
func policyOf(dir, module string) string {
	for _, name := range attributes[module] {
		data, err := os.ReadFile(filepath.Join(dir, "attr", name))
		text := strings.Trim(string(data), "\x00\n ")
		if err != nil || text == "" {
			continue
		}
		if module == "selinux" {
			return typeOf(text)
		}
		return text
	}
	return ""
}

// typeOf returns the type in a context of SELinux: container_t in system_u:system_r:container_t:s0:c1,c2. Without a
// loaded policy the context is kernel or unlabeled.
func typeOf(context string) string {
	if parts := strings.SplitN(context, ":", 4); len(parts) >= 3 {
		return parts[2]
	}
	return context
}
