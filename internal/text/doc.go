// Package text formats numbers, names and tables for people, in one way for every command and report. It has no state,
// does no I/O of its own and may be imported by every other package.
package text
