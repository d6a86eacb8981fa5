#!/bin/sh
# Debian packages: rt-tests.
# More flags for lsmprof bench may follow.
exec lsmprof bench --test 'name=hackbench; run=hackbench -l 100; metric=Time: ([0-9.]+); better=lower' "$@"
