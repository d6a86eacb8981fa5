// Package cri asks the container runtime of this machine, through the Kubernetes container runtime interface (CRI v1:
// containerd 1.6, CRI-O 1.23 and later), which containers there are, and runs programs in them.
//
// A Runtime is dialled when it is first needed and again after an error, so that one that was restarted is found again.
// Every call has Deadline. What a runtime says is not trusted: names come out of this package short and printable, and
// without the slash that separates them; escaping for HTML is left to who writes HTML.
package cri
