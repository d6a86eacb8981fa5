#!/bin/sh
# Takes vArmor's agent off this cluster's nodes, and with it the programs, or brings it back: agent.sh on|off.
set -e
case $1 in
off) node='"lsmprof/varmor":"off"' ;;
on) node='"lsmprof/varmor":null' ;;
*) echo "usage: agent.sh on|off" >&2; exit 2 ;;
esac
kubectl -n varmor patch daemonset varmor-agent --type merge -p '{"spec":{"template":{"spec":{"nodeSelector":{'"$node"'}}}}}'
[ "$1" = off ] || kubectl -n varmor rollout status daemonset varmor-agent --timeout 300s
