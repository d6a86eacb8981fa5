#!/bin/sh
# Succeeds when vArmor's maps show N file, process and network rules for the workload: in-force.sh N.
lsmprof list | awk -v ns="$LSMPROF_MNTNS" -v n="$1" '
	{ for (i = 2; i < NF; i++) if ($i == ns && $(i+1) == "varmor") { mode = $(i+2); file = $(i+3); exec = $(i+4); net = $(i+5) } }
	END { print "mode " mode ", file " file ", exec " exec ", net " net; exit !(mode != "" && file == n && exec == n && net == n) }'
