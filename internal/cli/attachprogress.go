package cli

import (
	"log/slog"
	"sync"
	"time"
)

// attachProgress says once a second how far attaching has come: with hundreds of programs it takes a while, and a tool that says
// nothing seems to hang. Within the first second it is silent.
func attachProgress(now func() time.Time, log *slog.Logger) func(done, targets int) {
	var mu sync.Mutex
	said := now()
	return func(done, targets int) {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); done < targets && at.Sub(said) >= time.Second {
			said = at
			log.Info("attaching probes", "done", done, "programs", targets)
		}
	}
}
