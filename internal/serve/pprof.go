package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// handleProfile answers as net/http/pprof does: with seconds, what happens in that time; without, everything since the
// start.
func (s *Server) handleProfile(w http.ResponseWriter, r *http.Request) {
	d, err := duration(r.URL.Query().Get("seconds"), s.config.MaxDuration)
	if err != nil {
		profileError(w, http.StatusBadRequest, err)
		return
	}
	var out bytes.Buffer
	if d > 0 {
		err = s.writeDelta(r.Context(), d, client{r.RemoteAddr, fmt.Sprintf("profile of %v", d)}, &out)
	} else {
		if err := s.probes.scrape(client{r.RemoteAddr, "cumulative profile"}); err != nil {
			s.log.Debug("the cumulative profile has nothing new", "reason", err)
		}
		err = s.ledger.writeProfile(&out, s.config.Origin)
	}
	switch {
	case r.Context().Err() != nil:
		return // the client is gone
	case errors.Is(err, ErrNothing) || errors.Is(err, errDraining) || errors.Is(err, errLost):
		profileError(w, http.StatusServiceUnavailable, err)
		return
	case err != nil:
		profileError(w, http.StatusInternalServerError, err)
		return
	}
	writeSoon(w)
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="lsm"`)
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out.Bytes()) // fails only if the client is gone
}

func (s *Server) writeDelta(ctx context.Context, d time.Duration, who client, out *bytes.Buffer) error {
	snap, err := s.probes.measure(ctx, d, who)
	if err != nil {
		return err
	}
	return snap.Write(out)
}

// duration reads the parameter seconds. It returns 0 if the parameter is missing.
func duration(text string, limit time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0) { // NaN is not
		return 0, fmt.Errorf("seconds=%q: must be a number that is not negative", text)
	}
	if seconds > limit.Seconds() {
		return 0, fmt.Errorf("seconds=%s: must not be more than %g, the longest profile that this server takes",
			text, limit.Seconds())
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// profileError writes an error in the form that `go tool pprof` shows to its user.
func profileError(w http.ResponseWriter, code int, err error) {
	w.Header().Set("X-Go-Pprof", "1")
	http.Error(w, err.Error(), code)
}
