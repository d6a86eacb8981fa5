// Package container runs the tests of a bench in a container, through the container runtime: in its cgroups, with its
// capabilities, its seccomp filter and its LSM profile.
//
// Nothing in a container is trusted. Its processes may swap files, plant links and answer with anything, at any moment.
package container
