#!/bin/sh
# Debian packages: postgresql; createdb bench, pgbench -i bench.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=pgbench; run=pgbench -n -T 2 -c 4 bench; metric=tps = ([0-9.]+); better=higher' "$@"
