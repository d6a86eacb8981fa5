#!/bin/sh
# Debian packages: stress-ng.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=stress-ng; run=stress-ng --exec 1 -t 2 --metrics-brief; metric=exec +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +([0-9.]+); better=higher' "$@"
