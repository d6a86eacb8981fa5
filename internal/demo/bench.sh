#!/bin/sh
# What the enforcer costs five of UnixBench's tests, and how much of it the hooks explain. Runs as root with lsmprof on
# PATH.
# usage: bench.sh DIR [FLAGS of lsmprof bench...]
set -eu
dir=$1
shift
echo "demo: lsmprof bench: five tests without the enforcer, without a policy, with 0 to 8 rules of each type (minutes)"
lsmprof bench --tests execl,fstime,pipe,spawn,syscall --rules 1,2,4,8 --runs 6 --dir "$dir" "$@"
