// Package unixbench knows UnixBench: its tests and baselines, its index arithmetic, its reports, how to drive its programs, and a
// built-in suite of tests of the same kind, which needs nothing on the machine.
//
// Nothing here is UnixBench's own code, which is under the GPL: labels, baselines and formats are facts, the tests are written anew
// and compared with the originals. A score of the built-in suite is always called "built-in" (Test.BuiltinLabel).
//
// Errors: a test that ran but not as it must (a denied call, a missing count, an unexpected word on stderr) is an error, never a
// score. UnixBench itself reports 1.0 or an even better score for most of these.
package unixbench

//go:generate suite/build.sh
