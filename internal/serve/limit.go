package serve

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 4 << 10
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 5 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxConnections = 256
)

// limit bounds what clients can take: so many requests at once, and a body that is small and comes soon. It also reads the body,
// without which the server does not notice that a client goes away.
func limit(requests int, next http.Handler) http.Handler {
	slots := make(chan struct{}, requests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "as many requests as the server takes (--max-requests "+strconv.Itoa(requests)+") are under way", http.StatusTooManyRequests)
			return
		}
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBodyBytes)); err != nil {
			http.Error(w, "the request's body is too long or does not come", http.StatusRequestEntityTooLarge)
			return
		}
		_ = control.SetReadDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// writeSoon bounds how long a client may take to read what comes now.
func writeSoon(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}
