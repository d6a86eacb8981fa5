#!/bin/sh
# Benchmarks rename with stress-ng (Debian package stress-ng): operations per second of real time, for T seconds.
# Arguments are further flags of lsmprof bench.
exec lsmprof bench --test 'name=stress-ng; run=stress-ng --rename 1 -t ${T:-2} --metrics-brief; '\
'metric=rename +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +([0-9.]+); better=higher' "$@"
