// Package host runs the tests of a bench on this machine: the built-in tests and commands in mount namespaces of their
// own, and the programs of a UnixBench that the user has built.
package host
