#!/bin/sh
# Removes vArmor's agent, and its BPF programs with it, from the nodes of this cluster, or brings it back.
# Usage: agent.sh on|off
set -e
case $1 in
off) node='"lsmprof/varmor":"off"' ;;
on) node='"lsmprof/varmor":null' ;;
*) echo "usage: agent.sh on|off" >&2; exit 2 ;;
esac
kubectl -n varmor patch daemonset varmor-agent --type merge \
	-p '{"spec":{"template":{"spec":{"nodeSelector":{'"$node"'}}}}}'
[ "$1" = off ] || kubectl -n varmor rollout status daemonset varmor-agent --timeout 300s
