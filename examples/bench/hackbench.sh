#!/bin/sh
# Benchmarks the scheduler and sockets with hackbench (Debian package rt-tests): seconds for N messages of each sender.
# Arguments are further flags of lsmprof bench.
exec lsmprof bench --test 'name=hackbench; run=hackbench -l ${N:-100}; metric=Time: ([0-9.]+); better=lower' "$@"
