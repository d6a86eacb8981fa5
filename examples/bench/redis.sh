#!/bin/sh
# Debian packages: redis-server and redis-tools; start redis-server first.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=redis; run=redis-benchmark -q -t get -n 100000; metric=([0-9.]+) requests per second; better=higher' "$@"
