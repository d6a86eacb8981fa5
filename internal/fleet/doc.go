// Package fleet adds up the profiles of many nodes. It decodes one profile at a time, and keeps of it only the sums
// that nodes are compared by: neither stacks nor pods. Profiles may come from an attacker: everything is bounded.
package fleet
