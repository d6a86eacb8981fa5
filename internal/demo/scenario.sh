#!/bin/sh
# A live enforcer with 8 rules of each type, a workload in the mount namespace that it confines, and lsmprof record.
# Runs as root with lsmprof on PATH, in any shell.
# usage: scenario.sh PROFILE
set -eu
profile=$1
work=$(mktemp -d)
workload=""
enforcer=""

finish() {
	[ -z "$enforcer" ] || kill "$enforcer" 2>/dev/null || true
	[ -z "$workload" ] || kill "$workload" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# await SECONDS WHAT COMMAND...: a process that never gets there must not hang the demo.
await() {
	tries=$(($1 * 5))
	what=$2
	shift 2
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || {
			echo "demo: $what did not happen in time" >&2
			cat "$work"/*.err >&2 2>/dev/null || true
			exit 1
		}
		sleep 0.2
	done
}

# A process with a mount namespace of its own, as a container has; it works once it is told to.
cat >"$work/workload" <<'EOF'
cd "$1"
while [ ! -e go ]; do sleep 0.1; done
i=0
while [ "$i" -lt 100 ]; do
	cat /etc/passwd >file
	mv file renamed
	ln -s renamed link && rm link
	nc -w 1 127.0.0.1 9 </dev/null 2>/dev/null || true
	i=$((i + 1))
done
echo done >finished
sleep 600
EOF
unshare -m sh "$work/workload" "$work" &
workload=$!
own_namespace() { [ "$(readlink /proc/$workload/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; }
await 30 "a mount namespace for the workload" own_namespace

echo "demo: the reference enforcer, 8 rules of each type, confines process $workload"
lsmprof enforce --rules 8 --pid "$workload" >"$work/enforcing" 2>"$work/enforce.err" &
enforcer=$!
enforcing() {
	kill -0 "$enforcer" 2>/dev/null || {
		echo "demo: lsmprof enforce ended early:" >&2
		cat "$work/enforce.err" >&2
		exit 1
	}
	[ -s "$work/enforcing" ]
}
await 120 "the enforcer's first line" enforcing
cat "$work/enforcing"

echo "demo: lsmprof record, while the workload opens, renames, links, connects and executes"
# The command that record waits for starts the workload, so that all of it is seen.
lsmprof record --all --output "$profile" -- \
	sh -c 'touch "$0/go"; while [ ! -e "$0/finished" ]; do sleep 0.1; done' "$work"
