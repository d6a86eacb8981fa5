package lookalike

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel VArmor varmor.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf -DMODES
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel VArmorOld varmor.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel KubeArmor kubearmor.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type event_config Tetragon tetragon.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel Systemd systemd.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel BPFLock bpflock.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel Unknown unknown.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I../../../bpf
