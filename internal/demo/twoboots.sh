#!/bin/bash
# make two-boots: what AppArmor takes of an open and close, by lsmprof and by booting the same kernel without AppArmor.
# Both VMs count instructions. The test is TestIcountTwoBootsAppArmor.
set -euo pipefail
cd "$(dirname "$0")/../.."
kernel=${KERNEL:-6.12}
internal/vmtest/deps.sh apparmor
PATH=$PATH:/usr/sbin:/sbin
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
CGO_ENABLED=0 go test -c -o bin/accuracy.test ./internal/accuracy
boot() { # PARAMETERS [flags]
	parameters=$1
	shift
	bin/vm -kernel "$kernel" -icount -env LSMPROF_TWO_BOOTS=/kept/loop -in bin/accuracy.test:/accuracy.test \
		-append "$parameters" "$@" -- "mkdir -p /kept && cd / && ./accuracy.test -test.v -test.run TwoBoots"
}
boot lsm=lockdown,capability,bpf -out "/kept:$kept"
boot 'lsm=lockdown,capability,apparmor,bpf apparmor=1' -with apparmor_parser -in "$kept:/kept"
