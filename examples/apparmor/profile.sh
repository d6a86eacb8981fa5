#!/bin/sh
# Loads an AppArmor profile for the tests of lsmprof bench, or replaces the loaded one, which then holds for tests that
# run already. It attaches to the program of the built-in tests by its path.
# usage: profile.sh unconfined|allow|N: not confined, allow everything, or deny N things of each type that do not exist
set -eu
mode=${1:?usage: profile.sh unconfined|allow|N}
flags=attach_disconnected
rules=""
case $mode in
unconfined) flags=unconfined ;;
allow) ;;
*)
	# The counterparts of the reference enforcer's rules: each kind as often as it has that many different things.
	i=0
	families="ax25 x25 rose netrom appletalk econet irda atmpvc"
	caps="sys_rawio sys_pacct sys_tty_config mknod lease audit_write audit_control mac_override"
	while [ "$i" -lt "$mode" ]; do
		i=$((i + 1))
		rules="$rules
  deny /lsmprof-no-such-$i/** rwlkm,
  deny /lsmprof-no-such-x-$i/** x,
  deny network $(echo "$families" | cut -d ' ' -f $i),
  deny capability $(echo "$caps" | cut -d ' ' -f $i),
  deny mount /lsmprof-no-such-$i/**,
  deny ptrace peer=lsmprof-no-such-$i,"
	done
	;;
esac
apparmor_parser --replace --skip-cache <<EOF
profile lsmprof-bench /**/lsmprof-work-*/** flags=($flags) {
  file,
  capability,
  network,
  mount,
  umount,
  pivot_root,
  ptrace,
  signal,
  unix,$rules
}
EOF
