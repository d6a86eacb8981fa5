#!/bin/sh
# Benchmarks nginx with wrk (Debian packages nginx and wrk): requests per second to URL, for T seconds.
# Start nginx first. Arguments are further flags of lsmprof bench.
exec lsmprof bench --test 'name=nginx; run=wrk -t1 -c16 -d${T:-2}s ${URL:-http://127.0.0.1/}; '\
'metric=Requests/sec: +([0-9.]+); better=higher' "$@"
