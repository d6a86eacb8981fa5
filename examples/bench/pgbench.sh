#!/bin/sh
# Benchmarks PostgreSQL with pgbench (Debian package postgresql): transactions per second in database DB for T seconds.
# Run createdb bench and pgbench -i bench first. PGHOST, PGPORT and PGUSER work as with psql.
# Arguments are further flags of lsmprof bench.
exec lsmprof bench --test 'name=pgbench; run=pgbench -n -T ${T:-2} -c 4 ${DB:-bench}; '\
'metric=tps = ([0-9.]+); better=higher' "$@"
