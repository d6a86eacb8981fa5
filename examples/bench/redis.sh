#!/bin/sh
# Debian packages: redis-server and redis-tools; start redis-server first. N requests to 127.0.0.1:PORT.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=redis; run=redis-benchmark -q -t get -n ${N:-100000} -p ${PORT:-6379}; metric=([0-9.]+) requests per second; better=higher' "$@"
