#!/bin/sh
# Debian packages: nginx and wrk; start nginx first.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=nginx; run=wrk -t1 -c16 -d2s http://127.0.0.1/; metric=Requests/sec: +([0-9.]+); better=higher' "$@"
