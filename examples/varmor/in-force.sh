#!/bin/sh
# Succeeds if vArmor's maps hold N file, process and network rules for the workload in mount namespace LSMPROF_MNTNS.
# Usage: in-force.sh N
: "${LSMPROF_MNTNS:?set it to the number that lsmprof list shows under MNTNS; lsmprof bench sets it for its commands}"
: "${1:?give the number of rules}"
lsmprof list | awk -v ns="$LSMPROF_MNTNS" -v n="$1" '
	{
		for (i = 2; i < NF; i++)
			if ($i == ns && $(i+1) == "varmor") {
				mode = $(i+2); file = $(i+3); exec = $(i+4); net = $(i+5)
			}
	}
	END {
		print "mode " mode ", file " file ", exec " exec ", net " net
		exit !(mode != "" && file == n && exec == n && net == n)
	}'
