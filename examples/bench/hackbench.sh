#!/bin/sh
# Debian packages: rt-tests. N messages of each sender; perf bench sched messaging is the same benchmark.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=hackbench; run=hackbench -l ${N:-100}; metric=Time: ([0-9.]+); better=lower' "$@"
