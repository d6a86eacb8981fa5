package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/internal/text"
)

// handleProfile answers as net/http/pprof does: with seconds, what happens in that time; without, everything since the
// start.
func (s *Server) handleProfile(w http.ResponseWriter, r *http.Request) {
	d, err := duration(r.URL.Query().Get("seconds"), s.config.MaxDuration)
	if err != nil {
		profileError(w, http.StatusBadRequest, err)
		return
	}
	shape, err := projection.FromQuery(r.URL.Query())
	if store := r.URL.Query().Get("for"); err == nil && store != "" && d == 0 {
		err = fmt.Errorf("for=%s: ask with seconds=N as well: %w", store, errCumulative)
	}
	if err != nil {
		profileError(w, http.StatusBadRequest, err)
		return
	}
	p, err := s.profile(r, d)
	var out bytes.Buffer
	if err == nil {
		err = writeProjected(&out, p, shape)
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

// errCumulative is why no store gets a cumulative profile: they compute differences only for sample types they know.
var errCumulative = errors.New("the store would add up cumulative profiles at every scrape")

// profile measures for d or, if that is 0, returns everything since the start.
func (s *Server) profile(r *http.Request, d time.Duration) (*pprof.Profile, error) {
	if d > 0 {
		snap, err := s.probes.measure(r.Context(), d, client{r.RemoteAddr, fmt.Sprintf("profile of %v", d)})
		if err != nil {
			return nil, err
		}
		costs, err := snap.Costs()
		if err != nil {
			return nil, err
		}
		return costs.Profile()
	}
	if err := s.probes.scrape(client{r.RemoteAddr, "cumulative profile"}); err != nil {
		s.log.Debug("the cumulative profile has nothing new", "reason", err)
	}
	return s.ledger.profile(s.config.Origin)
}

func writeProjected(w io.Writer, p *pprof.Profile, shape projection.Projection) error {
	if !shape.Whole() {
		all := len(p.Sample)
		smaller, folded, err := shape.Apply(p)
		if err != nil {
			return err
		}
		if p = smaller; folded > 0 {
			p.Comments = append(p.Comments,
				fmt.Sprintf("%s were projected to %s, of which the cheapest, %s, are under %s",
					text.Plural(all, "sample"), text.Plural(len(p.Sample)+folded-1, "sample"),
					text.Thousands(uint64(folded)),
					projection.Other))
		}
	}
	return p.Write(w)
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
