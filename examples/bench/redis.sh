#!/bin/sh
# Benchmarks Redis with redis-benchmark (Debian package redis-tools): requests per second, N requests to 127.0.0.1:PORT.
# Start redis-server first. Arguments are further flags of lsmprof bench.
exec lsmprof bench --test 'name=redis; run=redis-benchmark -q -t get -n ${N:-100000} -p ${PORT:-6379}; '\
'metric=([0-9.]+) requests per second; better=higher' "$@"
