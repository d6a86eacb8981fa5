// Package serve answers over HTTP what BPF LSM hooks cost: /debug/pprof/lsm for pprof and continuous profilers,
// /metrics for Prometheus, /healthz and /readyz for the kubelet. All clients share one set of probes, which is attached
// only while one of them measures.
//
// Everything that is counted over the life of the server is a sum of differences between snapshots, and the costs of
// each difference are worked out once. So no total ever falls, whatever is learned later about completeness or names.
//
// The server runs as root and answers untrusted clients. No client can take more than its share of the connections,
// every wait has a deadline, and health checks are answered whatever other clients do: see clientConns.
package serve
