#!/bin/bash
# make sample: the benchmark that docs/sample/ shows, in a VM that counts instructions (1 ns is one instruction, so the
# figures do not depend on other load of this machine), the reports on it, and the pictures of README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
kernel=${KERNEL:-6.1}
sample=$PWD/docs/sample
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

internal/vmtest/deps.sh sample
CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm
bin/vm -kernel "$kernel" -icount -timeout 90m -in bin/lsmprof:/usr/local/bin/lsmprof -out "/sample:$work/run" -- \
	lsmprof bench --tests execl,fstime,pipe,spawn,syscall,openclose,rename,connect --rules 1,2,4,8 --runs 3 \
	--slice 12ms --warmup 12ms --seed 1 --output /sample
rm -rf "$sample"
mkdir -p "$sample"
cp -r "$work/run" "$sample/run"
rm -rf "$sample/run/raw" "$sample/run/.lock"
# bench.txt, analysis.json and report.html follow from the rest, which is what the report reads.
rm -f "$sample/run/bench.txt" "$sample/run/analysis.json" "$sample/run/report.html"
cp internal/demo/sample.md "$sample/README.md"
bin/lsmprof report --output "$sample" --format html,md,text,json,csv "$sample/run"

bin/vm -kernel "$kernel" -icount -with tmux -in bin/lsmprof:/usr/local/bin/lsmprof -in internal/demo/top.sh:/top.sh \
	-out "/out:$work" -- 'mkdir /out && sh /top.sh /out/screen'
mkdir -p docs/img
go -C internal/e2e run ./pictures "$sample/report.html" "$work/screen" "$PWD/docs/img"
