// Package serve answers over HTTP what BPF LSM hooks cost: /debug/pprof/lsm for pprof and continuous profilers,
// /metrics for Prometheus, /healthz and /readyz for the kubelet. All clients share one set of probes, which is attached
// only while one of them measures.
//
// Everything that is counted over the life of the server is a sum of differences between snapshots, and the costs of
// each difference are worked out once. So no total ever falls, whatever is learned later about completeness or names.
//
// The server runs as root and answers strangers. Nobody can take more than a share of its connections, every wait has a
// deadline, and health is answered whatever the others do: see clientConns.
package serve
