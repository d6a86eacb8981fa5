// Package rundir is what a run directory holds and what follows from it: the plan, fixed when the run began and, from its seed alone,
// the order; the results of its rounds; what profile runs found; and the analysis of all that. It is pure: bench writes such
// directories on a machine with an enforcer, the report reads them anywhere.
package rundir
