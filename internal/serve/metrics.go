package serve

import (
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics describes what /metrics has, beside what client_golang says of the process. docs/serve.md has the same table.
type metrics struct {
	server *Server

	calls, denials, hookSeconds, hookDuration *prometheus.Desc
	syscallCalls, syscallSeconds              *prometheus.Desc
	rulesCalls, rulesSeconds, rulesInForce    *prometheus.Desc
	invocations, completeness, cells, used    *prometheus.Desc
	measured, probing, attached, clients      *prometheus.Desc
	calibration, series, limit, overflow      *prometheus.Desc
	restarts, build                           *prometheus.Desc

	all []*prometheus.Desc
}

func newMetrics(s *Server) *metrics {
	var all []*prometheus.Desc
	d := func(name, help string, labels ...string) *prometheus.Desc {
		all = append(all, prometheus.NewDesc("lsmprof_"+name, help, labels, nil))
		return all[len(all)-1]
	}
	workload := []string{"workload", "namespace", "pod", "container"}
	program := []string{"enforcer", "hook", "program"}
	call := append(append([]string{}, program...), workload...)
	syscall := append([]string{"syscall"}, workload...)
	rules := []string{"enforcer", "hook", "rules"}
	m := &metrics{
		server:         s,
		calls:          d("calls_total", "Invocations of BPF LSM programs, those without a time included.", call...),
		denials:        d("denials_total", "Invocations that denied.", call...),
		hookSeconds:    d("hook_seconds_total", "What the invocations cost: the programs and reaching them, without the probes.", call...),
		hookDuration:   d("hook_duration_seconds", "Hook cost of the invocations that have a time.", call...),
		syscallCalls:   d("syscall_calls_total", "Invocations by the syscall they ran in.", syscall...),
		syscallSeconds: d("syscall_hook_seconds_total", "Hook cost by the syscall it was in.", syscall...),
		rulesCalls:     d("rules_calls_total", "Invocations by the number of rules that the program had to walk.", rules...),
		rulesSeconds:   d("rules_hook_seconds_total", "Hook cost by the number of rules that the program had to walk.", rules...),
		rulesInForce:   d("rules", "Rules in force for a workload, by their type.", append([]string{"enforcer", "type"}, workload...)...),
		invocations:    d("invocations_total", "Invocations by what became of their time: timed, preempted or missed.", append(program, "outcome")...),
		completeness:   d("completeness_ratio", "Share of all invocations so far that have a time."),
		cells:          d("cells", "Counters in the kernel that a program has.", program...),
		used:           d("cells_used", "Counters in the kernel that are taken; when none is left workloads become [other].", program...),
		measured:       d("measured_seconds_total", "How long probes were attached."),
		probing:        d("probe_seconds_total", "What the probes cost the profiled system."),
		attached:       d("probes_attached", "Whether probes are attached."),
		clients:        d("measuring_clients", "Requests that are measuring now."),
		calibration:    d("calibration_seconds", "What lsmprof measured of itself at start.", "what"),
		series:         d("series", "Sets of labels that are in use, by table.", "table"),
		limit:          d("series_limit", "Bound on each of the tables (--max-series)."),
		overflow:       d("series_overflow_total", "Rows that were charged to [other] because a table was full.", "table"),
		restarts:       d("profile_restarts_total", "How often the cumulative profile began anew because it was full."),
		build:          d("build_info", "Version of lsmprof and of the kernel.", "version", "kernel"),
	}
	m.all = all
	return m
}

// Describe is part of prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.all {
		ch <- d
	}
}

// Collect is part of prometheus.Collector. A scrape is a client that measures.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	s := m.server
	if err := s.probes.scrape(); err != nil {
		slog.Debug("the scrape has nothing new", "reason", err)
	}
	state := s.probes.state()
	e := emitter{ch}
	m.collectRules(e)
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	m.collectCalls(e, l)
	m.collectPrograms(e, l)

	attached := 0.0
	if state.attached {
		attached = 1
	}
	e.gauge(m.attached, attached)
	e.gauge(m.clients, float64(state.users))
	e.counter(m.measured, l.measured.Seconds())
	e.counter(m.probing, l.probing/1e9)
	e.counter(m.restarts, float64(l.restarts))
	e.gauge(m.limit, float64(s.config.MaxSeries))
	e.gauge(m.build, 1, s.config.Origin.Version, s.config.Origin.Machine.Kernel)
	if cal := s.config.Origin.Calibration; cal.Applies() {
		e.gauge(m.calibration, cal.Bias.Value/1e9, "bias")
		e.gauge(m.calibration, cal.Dispatch.Value/1e9, "dispatch")
		e.gauge(m.calibration, cal.DispatchNext.Value/1e9, "further")
		e.gauge(m.calibration, cal.ProbeCost.Value/1e9, "probe")
	}
}

func (m *metrics) collectCalls(e emitter, l *ledger) {
	for k, row := range l.calls.rows {
		t := &row.value
		labels := append(k.program.labels(), k.workload.labels()...)
		e.counter(m.calls, float64(t.calls), labels...)
		e.counter(m.denials, float64(t.denials), labels...)
		e.counter(m.hookSeconds, t.hook/1e9, labels...)
		e.histogram(m.hookDuration, t, labels...)
	}
	for k, row := range l.syscalls.rows {
		labels := append([]string{k.syscall}, k.workload.labels()...)
		e.counter(m.syscallCalls, float64(row.value.calls), labels...)
		e.counter(m.syscallSeconds, row.value.hook/1e9, labels...)
	}
	for k, row := range l.rules.rows {
		e.counter(m.rulesCalls, float64(row.value.calls), k.enforcer, k.hook, k.rules)
		e.counter(m.rulesSeconds, row.value.hook/1e9, k.enforcer, k.hook, k.rules)
	}
	for _, t := range []struct {
		name     string
		rows     int
		overflow uint64
	}{
		{"programs", len(l.programs.rows), l.programs.overflow},
		{"calls", len(l.calls.rows), l.calls.overflow},
		{"syscalls", len(l.syscalls.rows), l.syscalls.overflow},
		{"rules", len(l.rules.rows), l.rules.overflow},
	} {
		e.gauge(m.series, float64(t.rows), t.name)
		e.counter(m.overflow, float64(t.overflow), t.name)
	}
}

func (m *metrics) collectPrograms(e emitter, l *ledger) {
	var timed, all uint64
	for p, row := range l.programs.rows {
		t := row.value
		timed, all = timed+t.timed, all+t.timed+t.preempted+t.missed
		e.counter(m.invocations, float64(t.timed), append(p.labels(), "timed")...)
		e.counter(m.invocations, float64(t.preempted), append(p.labels(), "preempted")...)
		e.counter(m.invocations, float64(t.missed), append(p.labels(), "missed")...)
	}
	if all > 0 {
		e.gauge(m.completeness, float64(timed)/float64(all))
	}
	for p, r := range l.room {
		e.gauge(m.cells, float64(r.Cells), p.labels()...)
		e.gauge(m.used, float64(r.Used), p.labels()...)
	}
}

// collectRules reads the rules at every scrape: a gauge is of now. The table is as bounded as the others.
func (m *metrics) collectRules(e emitter) {
	if m.server.config.Rules == nil {
		return
	}
	rules, err := m.server.config.Rules()
	if err != nil {
		slog.Debug("the scrape lacks rules", "reason", err)
	}
	type key struct {
		enforcer, kind string
		workload
	}
	sums := newBounded[key, int](m.server.config.MaxSeries)
	for _, r := range rules {
		k := key{r.Enforcer, r.Type, workloadOf(r.Workload)}
		// Workloads of one name: the one with most rules stands for them, a sum would be of nobody.
		v := sums.at(m.server.config.now(), k, key{r.Enforcer, r.Type, otherWorkload}, key{other, other, otherWorkload})
		*v = max(*v, r.Count)
	}
	for k, row := range sums.rows {
		e.gauge(m.rulesInForce, float64(row.value), append([]string{k.enforcer, k.kind}, k.workload.labels()...)...)
	}
}

func (p program) labels() []string { return []string{p.enforcer, p.hook, p.program} }

func (w workload) labels() []string { return []string{w.workload, w.namespace, w.pod, w.container} }

// emitter makes metrics. Names that a process chose need not be UTF-8, which Prometheus insists on.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) counter(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, valid(labels)...)
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, valid(labels)...)
}

func (e emitter) histogram(d *prometheus.Desc, t *callTotals, labels ...string) {
	buckets := make(map[float64]uint64, len(histogramBounds))
	var n uint64
	for i, bound := range histogramBounds {
		n += t.histogram[i]
		buckets[bound/1e9] = n
	}
	n += t.histogram[len(histogramBounds)]
	e.ch <- prometheus.MustNewConstHistogram(d, n, t.timed/1e9, buckets, valid(labels)...)
}

func valid(labels []string) []string {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "?")
	}
	return labels
}
