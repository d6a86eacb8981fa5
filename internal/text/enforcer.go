package text

import "strings"

// Enforcer returns the name that an enforcer's makers give it: vArmor for varmor. An enforcer that lsmprof does not
// know is named after the command that loaded it.
func Enforcer(name string) string {
	switch name {
	case "varmor":
		return "vArmor"
	case "kubearmor":
		return "KubeArmor"
	case "tetragon":
		return "Tetragon"
	case "apparmor":
		return "AppArmor"
	case "selinux":
		return "SELinux"
	case "landlock":
		return "Landlock"
	case "reference":
		return "reference enforcer"
	case "", "unknown", "generic":
		return "unknown enforcer"
	}
	return strings.TrimPrefix(name, "generic:")
}
