#!/bin/bash
# make apparmor-or-bpf: the comparison that docs/apparmor-or-bpf.md shows. It runs examples/apparmor/ in a VM that
# counts instructions (1 ns is one instruction), with AppArmor active, and writes the reports on it.
# usage: apparmor.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: apparmor.sh DIRECTORY}
kernel=${KERNEL:-6.12}
tests=${TESTS:-openclose,rename,connect,execl}
rm -rf "$out"

internal/vmtest/deps.sh apparmor
PATH=$PATH:/usr/sbin:/sbin
CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
# The hooks that the tests spend their time in: more would take longer to attach, in every scenario.
hooks='file_open,path_rename,socket_connect,bprm_*,mmap_file'
bin/vm -kernel "$kernel" -icount -timeout 90m \
	-append "lsm=lockdown,capability,landlock,yama,apparmor,bpf apparmor=1" -with apparmor_parser \
	-in bin/lsmprof:/usr/local/bin/lsmprof -in examples/apparmor:/apparmor -out "/run-apparmor:$out" -- \
	"cd /apparmor && mkdir -p /run && ./profile.sh unconfined && \
	lsmprof bench --scenarios scenarios.yaml --lsm apparmor,bpf --hook '$hooks' --tests $tests \
		--runs ${RUNS:-1} --slice 12ms --warmup 12ms --seed 1 --output /run-apparmor"
bin/lsmprof report --output "$out" --format html,md,csv "$out"
