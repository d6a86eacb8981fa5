#!/bin/sh
# Debian packages: stress-ng. T seconds; the metric is bogo operations per second of real time.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=stress-ng; run=stress-ng --rename 1 -t ${T:-2} --metrics-brief; metric=rename +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +([0-9.]+); better=higher' "$@"
