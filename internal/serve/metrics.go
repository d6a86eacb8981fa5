package serve

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics is everything that /metrics exports beside client_golang's metrics of the process. docs/serve.md has the same
// table.
type metrics struct {
	server *Server

	calls, denials, hookSeconds, hookDuration *prometheus.Desc
	syscallCalls, syscallSeconds              *prometheus.Desc
	rulesCalls, rulesSeconds                  *prometheus.Desc
	invocations, completeness, cells, used    *prometheus.Desc
	measured, probing, attached, clients      *prometheus.Desc
	calibration, series, limit, overflow      *prometheus.Desc
	restarts, build                           *prometheus.Desc

	exported, exportRetries, exportWaiting, exportBytes *prometheus.Desc

	inForce inForceDescs
	all     []*prometheus.Desc
}

// describe makes the Desc of a metric of lsmprof.
type describe func(name, help string, labels ...string) *prometheus.Desc

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
		server:  s,
		calls:   d("calls_total", "Calls of BPF LSM programs, including those without a time.", call...),
		denials: d("denials_total", "Calls that denied.", call...),
		hookSeconds: d("hook_seconds_total",
			"Hook cost: running the programs and reaching them, without the probes.", call...),
		hookDuration: d("hook_duration_seconds", "Hook cost of the calls that have a time.", call...),
		syscallCalls: d("syscall_calls_total", "Calls by the syscall they ran in.", syscall...),
		syscallSeconds: d("syscall_hook_seconds_total", "Hook cost by the syscall that the calls ran in.",
			syscall...),
		rulesCalls: d("rules_calls_total", "Calls by the number of rules that the program had to walk.",
			rules...),
		rulesSeconds: d("rules_hook_seconds_total",
			"Hook cost by the number of rules that the program had to walk.", rules...),
		invocations: d("invocations_total",
			"Calls by outcome: timed, preempted (seen, but not timed) or missed (not seen by the probes).",
			append(program, "outcome")...),
		completeness: d("completeness_ratio", "Share of all calls so far that have a time."),
		cells:        d("cells", "Counters in the kernel for a program.", program...),
		used: d("cells_used",
			"Counters in the kernel that are in use. When all are, new workloads are charged to [other].",
			program...),
		measured: d("measured_seconds_total", "Time that probes were attached."),
		probing:  d("probe_seconds_total", "Time that the probes cost the profiled system."),
		attached: d("probes_attached", "1 if probes are attached, else 0."),
		clients:  d("measuring_clients", "Requests for profiles that are measuring now."),
		calibration: d("calibration_seconds", "What lsmprof measured of itself at start, by quantity.",
			"what"),
		series: d("series", "Series in use, by table.", "table"),
		limit:  d("series_limit", "Limit on the series of each table."),
		overflow: d("series_overflow_total",
			"Updates that were charged to [other] because a table was full.", "table"),
		restarts: d("profile_restarts_total",
			"How often the cumulative profile started over because it was full."),
		build: d("build_info", "Version of lsmprof and of the kernel; always 1.", "version", "kernel"),
	}
	m.inForce = newInForceDescs(d, program, workload)
	if s.config.Exporter != nil {
		m.exported = d("exported_profiles_total",
			"Profiles by outcome: sent, dropped because the queue was full, or refused by the receiver.",
			"outcome")
		m.exportRetries = d("export_retries_total", "Attempts to send a profile after the first.")
		m.exportWaiting = d("export_queue_profiles", "Profiles that wait for the receiver.")
		m.exportBytes = d("export_queue_bytes", "Size of the profiles that wait for the receiver.")
	}
	m.all = all
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.all {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	s := m.server
	state := s.probes.state()
	e := emitter{ch}
	m.collectInForce(e)
	m.collectExports(e)
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

func (m *metrics) collectExports(e emitter) {
	if m.server.config.Exporter == nil {
		return
	}
	s := m.server.config.Exporter.Stats()
	e.counter(m.exported, float64(s.Sent), "sent")
	e.counter(m.exported, float64(s.Dropped), "dropped")
	e.counter(m.exported, float64(s.Refused), "refused")
	e.counter(m.exportRetries, float64(s.Retries))
	e.gauge(m.exportWaiting, float64(s.Waiting))
	e.gauge(m.exportBytes, float64(s.Bytes))
}

func (m *metrics) collectCalls(e emitter, l *ledger) {
	for k, row := range l.calls.rows {
		t := &row.value
		labels := append(k.program.labels(), k.workload.labels()...)
		e.counter(m.calls, float64(t.calls), labels...)
		e.counter(m.denials, float64(t.denials), labels...)
		e.counter(m.hookSeconds, t.hook/1e9, labels...)
		e.histogram(m.hookDuration, &t.histogram, t.timed, labels...)
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
	for p, u := range l.usage {
		e.gauge(m.cells, float64(u.Counters), p.labels()...)
		e.gauge(m.used, float64(u.Used), p.labels()...)
	}
}

func (p program) labels() []string { return []string{p.enforcer, p.hook, p.program} }

func (w workload) labels() []string { return []string{w.workload, w.namespace, w.pod, w.container} }

// emitter sends metrics to a scrape. Labels must be valid UTF-8: see label.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) counter(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}
