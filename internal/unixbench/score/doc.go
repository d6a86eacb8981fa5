// Package score holds UnixBench's formats and arithmetic: what its programs print, the files that its Run script
// writes, and how passes become scores and scores an index. It is pure: it starts no process and needs no file.
//
// A score that UnixBench made up is an error here, never a score. UnixBench itself reports 1.0 for a test that counted
// nothing.
package score
