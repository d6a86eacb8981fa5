package lookalike

//go:generate ../../../bpf/compile.sh v3 VArmor varmor.bpf.c -- -I../../../bpf -DMODES
//go:generate ../../../bpf/compile.sh v3 VArmorOld varmor.bpf.c -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 KubeArmor kubearmor.bpf.c -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 Tetragon tetragon.bpf.c event_config -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 Systemd systemd.bpf.c -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 BPFLock bpflock.bpf.c -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 Unknown unknown.bpf.c -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 Guard guard.bpf.c guarded_kind guarded -- -I../../../bpf
//go:generate ../../../bpf/compile.sh v3 Sections sections.bpf.c -- -I../../../bpf
