#!/bin/bash
# make demo: runs the scenario here if lsmprof can profile this kernel, otherwise in a VM. Says which, and why.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=$PWD/lsmprof.pb.gz
scenario=internal/demo/scenario.sh
run=$PWD/lsmprof-bench
bench=internal/demo/bench.sh

as_root=()
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null; then
	as_root=(sudo)
fi

show() {
	echo
	echo "profile: $profile"
	echo "look at it:  go tool pprof -top $profile"
	echo "             go tool pprof -http=: $profile"
	echo "run directory of the bench: $run (scores in bench.txt, a profile of each cell below profiles/)"
	echo "look at it:  go tool pprof -top $run/profiles/rules=8/execl.pb.gz"
	if bin/lsmprof report "$run" -o "$run" 2>/dev/null; then
		echo "report on it: $run/report.html"
	fi
}

native() {
	"${as_root[@]}" env PATH="$PWD/bin:$PATH" sh "$scenario" "$profile"
	"${as_root[@]}" env PATH="$PWD/bin:$PATH" sh "$bench" "$run" --slice 20ms
}

# Removes the run directory of an earlier demo, and nothing else.
if [ -e "$run" ]; then
	[ -e "$run/run.json" ] || {
		echo "demo: $run is in the way: it holds no run" >&2
		exit 1
	}
	"${as_root[@]}" rm -rf "$run"
fi

if reason=$("${as_root[@]}" bin/lsmprof check 2>&1); then
	echo "demo: this machine's own kernel, $(uname -r), can be profiled: no VM needed"
	echo "demo: as root${as_root:+ (sudo)}, for minutes: lsmprof enforce, which confines a process of the demo,"
	echo "demo: lsmprof record and lsmprof bench. Nothing stays in the kernel."
	native
	show
	exit
fi
echo "demo: this machine's kernel, $(uname -r), cannot be profiled:"
awk '/^fail/ { show = 2 } show-- > 0 { print "  " $0 }' <<<"$reason" | grep . || echo "$reason"

internal/vmtest/deps.sh demo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -o bin/vm ./internal/vmtest/cmd/vm

# A stable kernel of Debian, or that of this distribution if its mirrors are not Debian's.
for kernel in ${KERNEL:-6.1 distro}; do
	rc=0
	found=$(bin/vm -kernel "$kernel" -fetch) || rc=$?
	[ "$rc" -eq 77 ] || break
done
[ "$rc" -eq 0 ] || {
	echo "demo: no kernel to boot; give one: make demo KERNEL=/path/vmlinuz" >&2
	exit 1
}
echo "demo: in a VM instead, kernel $kernel: $found"
# The time of an emulated CPU means nothing; its instructions are the same in every run.
echo "demo: the VM counts instructions: read every ns below as one instruction"
# An emulated second takes several, so slices are short. Instructions need not be counted for long.
bin/vm -kernel "$kernel" -icount -timeout 15m -in bin/lsmprof:/usr/local/bin/lsmprof -in "$scenario:/demo/scenario.sh" \
	-in "$bench:/demo/bench.sh" -out "$profile:$work" -out "$run:$run" -env PROFILE="$profile" -env RUN="$run" -- \
	'mkdir -p "${PROFILE%/*}" && sh /demo/scenario.sh "$PROFILE" &&
	sh /demo/bench.sh "$RUN" --slice 12ms --warmup 12ms'
mv "$work/lsmprof.pb.gz" "$profile"
show
