#!/bin/sh
# Puts a profile of AppArmor and the reference enforcer in force for the workload of a scenario, or removes both.
# usage: both.sh allow|N|off
set -eu
here=$(dirname "$0")
pid=/run/lsmprof-enforce.pid
case ${1:?usage: both.sh allow|N|off} in
off)
	"$here/profile.sh" unconfined
	kill "$(cat $pid)" 2>/dev/null || true
	while kill -0 "$(cat $pid)" 2>/dev/null; do sleep 0.1; done
	;;
*)
	"$here/profile.sh" "$1"
	rules=$1
	[ "$rules" != allow ] || rules=0
	lsmprof enforce --rules "$rules" --mntns "$LSMPROF_MNTNS" >/run/lsmprof-enforce.json 2>&1 &
	echo $! >$pid
	;;
esac
