// Package unixbench runs UnixBench's tests: the programs of a built byte-unixbench ([Real]), or a built-in suite of
// tests of the same kind that needs nothing on the machine ([Suite]). Formats, index and baselines are in package
// score.
//
// Nothing here is UnixBench's own code, which is under the GPL: the tests were written from scratch and are compared
// with the originals. Scores of the built-in suite are always labelled "built-in" (Test.BuiltinLabel).
//
// Errors: a test that ran but did not do its work (a denied call, a missing count, an unexpected word on stderr) is an
// error, never a score.
package unixbench

//go:generate suite/build.sh
