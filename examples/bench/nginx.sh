#!/bin/sh
# Debian packages: nginx and wrk; start nginx first. The benchmark asks URL for T seconds.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=nginx; run=wrk -t1 -c16 -d${T:-2}s ${URL:-http://127.0.0.1/}; metric=Requests/sec: +([0-9.]+); better=higher' "$@"
