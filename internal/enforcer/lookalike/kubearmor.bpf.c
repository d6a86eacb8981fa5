//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Hooks and maps of KubeArmor's enforcer and of its presets. The programs look rules up by key, and deny nothing. */
#include "lookalike.h"

#define KEY_BYTES 400
#define PROC_PID_INIT_INO 0xeffffffc

struct outer_key {
	__u32 pid_ns, mnt_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(struct outer_key));
	__uint(value_size, sizeof(__u32));
} kubearmor_containers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(struct outer_key));
	__uint(value_size, sizeof(__u32));
} kubearmor_protectenv_preset_containers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(struct outer_key));
	__uint(value_size, sizeof(__u32));
} kubearmor_exec_preset_containers SEC(".maps");

/* The kernel cuts its name to that of the preset: kubearmor_exec_. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} kubearmor_exec_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__uint(value_size, 32);
} kubearmor_ima_hash_map SEC(".maps");

/* 512 bytes before v1.6.10. The size of the map's keys decides how many are read. */
struct key {
	__u8 bytes[512];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct key);
} bufk SEC(".maps");

static __always_inline struct outer_key container(void)
{
	struct outer_key key = { current_pid_ns(), current_mnt_ns() };

	if (key.pid_ns == PROC_PID_INIT_INO)
		key = (struct outer_key){};
	return key;
}

static __always_inline int match(void)
{
	struct outer_key outer = container();
	__u32 zero = 0;
	struct key *key = bpf_map_lookup_elem(&bufk, &zero);
	void *inner = bpf_map_lookup_elem(&kubearmor_containers, &outer);

	if (key && inner)
		bpf_map_lookup_elem(inner, key);
	return 0;
}

#define MATCHES(name, hook)     \
	SEC("lsm/" #hook)       \
	int name(void *ctx)     \
	{                       \
		return match(); \
	}

MATCHES(enforce_file, file_open)
MATCHES(enforce_net_create, socket_create)
MATCHES(enforce_cap, capable)
MATCHES(enforce_rename_old, path_rename)

SEC("lsm/bprm_check_security")
int enforce_proc(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	bpf_map_lookup_elem(&kubearmor_exec_pids, &pid);
	return match();
}

SEC("lsm/bprm_check_security")
int exec_preset_bprm_check_security(void *ctx)
{
	struct outer_key outer = container();

	bpf_map_lookup_elem(&kubearmor_exec_preset_containers, &outer);
	return 0;
}

SEC("lsm/file_open")
int env_preset_enforce_file(void *ctx)
{
	struct outer_key outer = container();

	bpf_map_lookup_elem(&kubearmor_protectenv_preset_containers, &outer);
	return 0;
}

/* KubeArmor's program then hashes the file, for which it must be able to sleep. */
SEC("lsm.s/bprm_check_security")
int ima_bprm_check_security(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	bpf_map_lookup_elem(&kubearmor_ima_hash_map, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
