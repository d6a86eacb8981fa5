// Package cri asks the container runtime of this machine which containers run, and runs programs in them. It speaks the
// Kubernetes container runtime interface, CRI v1, as containerd 1.6, CRI-O 1.23 and later do.
//
// A Runtime connects when it is first needed, and again after an error, so that it finds a runtime that was restarted.
// Each call takes at most Deadline. Text from a runtime is not trusted: this package returns names that are printable,
// short and without slashes, but not escaped for HTML.
package cri
