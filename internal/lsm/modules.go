package lsm

import (
	"maps"
	"slices"
	"strings"
)

// Module is a security module of the kernel, with the functions that it has on hooks.
type Module struct {
	Name   string // as in /sys/kernel/security/lsm
	prefix string // of its functions: prefix and hook
	// others are the functions with another name, by hook.
	others map[string]string
}

// Total stands for all security modules of a hook together: the function of the kernel that calls them.
const Total = "total"

// modules are those whose functions are known. BPF is none: its functions are the programs.
var modules = []Module{
	{Name: "apparmor", prefix: "apparmor_"},
	{Name: "capability", prefix: "cap_"},
	{Name: "evm", prefix: "evm_"},
	{Name: "ima", prefix: "ima_", others: map[string]string{
		"bprm_check_security": "ima_bprm_check", "file_post_open": "ima_file_check",
		"mmap_file":        "ima_file_mmap",
		"kernel_read_file": "ima_read_file", "kernel_post_read_file": "ima_post_read_file",
		"kernel_load_data": "ima_load_data", "kernel_post_load_data": "ima_post_load_data",
		"path_post_mknod": "ima_post_path_mknod", "key_post_create_or_update": "ima_post_key_create_or_update",
	}},
	{Name: "ipe", prefix: "ipe_"},
	{Name: "landlock", prefix: "hook_"},
	{Name: "loadpin", prefix: "loadpin_", others: map[string]string{
		"kernel_read_file": "loadpin_read_file", "kernel_load_data": "loadpin_load_data",
	}},
	{Name: "lockdown", prefix: "lockdown_", others: map[string]string{"locked_down": "lockdown_is_locked_down"}},
	{Name: "safesetid", prefix: "safesetid_", others: map[string]string{"capable": "safesetid_security_capable"}},
	{Name: "selinux", prefix: "selinux_"},
	{Name: "smack", prefix: "smack_"},
	{Name: "tomoyo", prefix: "tomoyo_"},
	{Name: "yama", prefix: "yama_"},
	{Name: Total, prefix: "security_", others: map[string]string{
		"bprm_check_security": "security_bprm_check", "file_alloc_security": "security_file_alloc",
		"file_free_security": "security_file_free", "inode_alloc_security": "security_inode_alloc",
		"inode_free_security": "security_inode_free", "sk_alloc_security": "security_sk_alloc",
		"sk_free_security": "security_sk_free", "sk_clone_security": "security_sk_clone",
		"capable": "security_capable",
	}},
}

// ModuleNames returns the names of the modules whose functions are known, without Total.
func ModuleNames() (names []string) {
	for _, m := range modules {
		if m.Name != Total {
			names = append(names, m.Name)
		}
	}
	return names
}

// FindModule returns a module by name, and whether its functions are known.
func FindModule(name string) (Module, bool) {
	i := slices.IndexFunc(modules, func(m Module) bool { return m.Name == name })
	if i < 0 {
		return Module{}, false
	}
	return modules[i], true
}

// Function returns the name of the function that the module would have on a hook.
func (m Module) Function(hook string) string {
	if name, ok := m.others[hook]; ok {
		return name
	}
	return m.prefix + hook
}

// frequentHooks are called so often that measuring them all would cost a busy machine more than their answers are
// worth: on every read and write, for every component of a path, for every packet, or whenever an object is made.
var frequentHooks = map[string]bool{
	"file_permission": true, "inode_permission": true, "inode_getattr": true, "inode_follow_link": true,
	"inode_readlink": true, "inode_need_killpriv": true, "d_instantiate": true, "inode_getsecurity": true,
	"file_alloc_security": true, "file_free_security": true, "inode_alloc_security": true,
	"inode_free_security": true, "inode_free_security_rcu": true, "cred_prepare": true, "cred_free": true,
	"cred_transfer": true, "cred_alloc_blank": true, "task_free": true, "mmap_addr": true, "vm_enough_memory": true,
	"socket_sendmsg": true, "socket_recvmsg": true, "socket_sock_rcv_skb": true, "sk_alloc_security": true,
	"sk_free_security": true, "sk_clone_security": true, "sk_getsecid": true, "unix_may_send": true,
	"inet_conn_request": true, "secid_to_secctx": true, "release_secctx": true, "current_getsecid_subj": true,
	"task_getsecid_obj": true, "ipc_permission": true, "perf_event_read": true, "task_getpgid": true,
}

// Frequent reports whether a hook is called so often that its functions are measured only on request.
func Frequent(hook string) bool { return frequentHooks[hook] }

// Hooks returns the hooks among the names of the kernel's functions, in order: bpf_lsm_file_open is file_open.
func Hooks(functions map[string]bool) (hooks []string) {
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if hook, ok := strings.CutPrefix(name, HookPrefix); ok && hook != "init" {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}
