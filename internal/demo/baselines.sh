#!/bin/bash
# How often the two baselines of the demo or of the sample differ: repeats their benchmarks, with another seed each
# time, in a VM that counts instructions, with one of the scenarios in between, and without profile runs. A run whose
# result is in DIRECTORY already is not repeated.
# usage: baselines.sh demo|sample RUNS DIRECTORY
set -euo pipefail
[ $# -eq 3 ] || { sed -n '/^# usage/s/^# //p' "$0" >&2; exit 2; }
which=$1 runs=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)
cd "$(dirname "$0")/../.."
case $which in
demo) bench="--tests execl,fstime,pipe,spawn,syscall --runs 6" ;;
sample) bench="--tests execl,fstime,pipe,spawn,syscall,openclose,rename,connect --runs 3" ;;
esac

internal/vmtest/deps.sh demo
CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
cat >"$out/scenarios.yaml" <<'EOF'
scenarios:
- name: not-installed
- name: rules=1
  rules: 1
EOF
for seed in $(seq "$runs"); do
	json=$out/$which-$seed.json
	[ ! -e "$json" ] || continue
	bin/vm -kernel "${KERNEL:-6.1}" -icount -timeout 30m -in bin/lsmprof:/usr/local/bin/lsmprof \
		-in "$out/scenarios.yaml:/scenarios.yaml" -out "/out.json:$out" -- "lsmprof bench -q \
		--scenarios /scenarios.yaml $bench --slice 12ms --warmup 12ms --profile off --seed $seed \
		--dir /run-$which -o json >/out.json"
	mv "$out/out.json" "$json"
done

go run ./internal/demo/baselines "$out/$which"-*.json
