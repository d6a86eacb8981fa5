// Package rundir knows what a run directory holds and what follows from it: the plan, which is fixed when the run
// begins and whose seed determines the order; the results of its rounds; what profile runs found; and the analysis of
// all that.
//
// It is pure. bench writes run directories on a machine with an enforcer, and the report reads them anywhere. All times
// are in ns and all losses are fractions of the baseline's score, unless a name says otherwise. Nothing here is safe
// for concurrent use, but reading is.
package rundir
