// Package serve answers over HTTP what the hooks cost: /debug/pprof/lsm for pprof and continuous profilers, /metrics for
// Prometheus, /healthz and /readyz for who runs it. All clients share one set of probes, which is attached only while one of them
// measures.
//
// Everything that is counted over the life of the server is added up from differences between snapshots, each worked out for
// itself: so no total ever falls, whatever is learned later about completeness or names.
package serve
