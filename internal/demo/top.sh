#!/bin/sh
# A screen of lsmprof top with three workloads under the reference enforcer. Runs as root in a guest with lsmprof and
# tmux on PATH.
# usage: top.sh FILE
set -eu
cd "$(mktemp -d)"
busy() { # NAME PAUSE
	# A script's command name is its file's, and a workload is named after its first process.
	cat >"$1" <<-EOF
		#!/bin/sh
		while :; do cat /etc/passwd >$1.out; mv $1.out $1.old; sleep $2; done
	EOF
	chmod +x "$1"
	unshare -m "./$1" &
	pids="${pids:+$pids,}$!"
}
busy nginx 0.005
busy redis 0.01
busy batch 0.1
sleep 1
lsmprof enforce --rules 8 --pid "$pids" >enforcing 2>&1 &
until [ -s enforcing ]; do sleep 0.2; done
export LC_ALL=C.UTF-8 TERM=xterm-256color
tmux -S ./tmux new-session -d -x 108 -y 12 'lsmprof top --by workload'
sleep 14
tmux -S ./tmux capture-pane -e -p >"$1"
tmux -S ./tmux kill-server
