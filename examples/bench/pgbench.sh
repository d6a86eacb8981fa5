#!/bin/sh
# Debian packages: postgresql; createdb bench, pgbench -i bench. T seconds; PGHOST, PGPORT and PGUSER as for psql.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=pgbench; run=pgbench -n -T ${T:-2} -c 4 ${DB:-bench}; metric=tps = ([0-9.]+); better=higher' "$@"
