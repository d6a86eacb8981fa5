package serve

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// stalledAfter is how late a poll may be before the server counts as hung. It is long, because polls on a busy machine
// are late.
const stalledAfter = time.Minute

// handleHealth answers liveness probes: it fails if only a restart helps.
func (s *Server) handleHealth(w http.ResponseWriter, _ *http.Request) {
	if st := s.probes.state(); st.stalled > stalledAfter {
		http.Error(w, fmt.Sprintf("the probes were last read %v ago", st.stalled.Round(time.Second)),
			http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// handleReady answers readiness probes: it fails if a request for a profile would. A node without an enforcer is ready:
// there is nothing to measure.
func (s *Server) handleReady(w http.ResponseWriter, _ *http.Request) {
	st := s.probes.state()
	switch {
	case s.probes.ctx.Err() != nil:
		http.Error(w, errDraining.Error(), http.StatusServiceUnavailable)
	case errors.Is(st.trouble, ErrNothing):
		fmt.Fprintln(w, "ok:", st.trouble)
	case st.trouble != nil:
		http.Error(w, st.trouble.Error(), http.StatusServiceUnavailable)
	case st.attached:
		fmt.Fprintln(w, "ok: measuring")
	default:
		fmt.Fprintln(w, "ok: no client is measuring")
	}
}
