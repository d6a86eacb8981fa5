package serve

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// stalledAfter is how late a poll may be before the server counts as hung: a busy machine is late, too.
const stalledAfter = time.Minute

// handleHealth is of liveness: it fails where only a restart helps.
func (s *Server) handleHealth(w http.ResponseWriter, _ *http.Request) {
	writeSoon(w)
	if st := s.probes.state(); st.stalled > stalledAfter {
		http.Error(w, fmt.Sprintf("the probes were last read %v ago", st.stalled.Round(time.Second)), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// handleReady is of readiness: it fails where asking for a profile would. A node without an enforcer is ready, as it has nothing
// to measure.
func (s *Server) handleReady(w http.ResponseWriter, _ *http.Request) {
	writeSoon(w)
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
		fmt.Fprintln(w, "ok: nobody measures")
	}
}
