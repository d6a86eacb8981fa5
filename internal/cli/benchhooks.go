package cli

import (
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// enforcerHooks are the hooks that an enforcer has programs on.
func enforcerHooks(name string) map[string]bool {
	out := map[string]bool{}
	if name != enforcer.Reference.Name {
		return out
	}
	for _, h := range []string{
		"bprm_check_security", "capable", "file_open", "move_mount", "path_link", "path_rename", "path_symlink", "ptrace_access_check",
		"sb_mount", "sb_umount", "socket_connect", "socket_create",
	} {
		out[h] = true
	}
	return out
}

func sortStrings(s []string) { slices.Sort(s) }
