package serve

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxHeaderBytes = 16 << 10 // with the request line
	slopBytes      = 4 << 10  // net/http adds them to its limit
	maxBodyBytes   = 4 << 10
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 5 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
)

// whole reads a request to its end before any other handler sees it: the body must be small and arrive soon. Otherwise
// a client could hold its connection, and the server would not notice when a measuring client disconnects. It also
// bounds how long the client may take to read a short answer.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		writeSoon(w)
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBodyBytes)); err != nil {
			w.Header().Set("Connection", "close")
			text := fmt.Sprintf("the request's body is longer than %d bytes, or takes longer than %v",
				maxBodyBytes, bodyTimeout)
			http.Error(w, text, http.StatusRequestEntityTooLarge)
			return
		}
		_ = control.SetReadDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// limit bounds how many requests are answered at once. Their connections are not cut.
func limit(requests int, next http.Handler) http.Handler {
	slots := make(chan struct{}, requests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			w.Header().Set("Retry-After", "1")
			text := fmt.Sprintf("the server answers %d requests at once; try again", requests)
			http.Error(w, text, http.StatusTooManyRequests)
			return
		}
		conn := connOf(r.Context())
		conn.setBusy(true)
		defer conn.setBusy(false)
		next.ServeHTTP(w, r)
	})
}

// writeSoon bounds how long a client may take to read the answer, counted from now.
func writeSoon(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}
