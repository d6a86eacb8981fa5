package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"syscall"
)

// metricsLog receives what goes wrong while metrics are sent. If the client is gone, that is one error for each family
// of metrics, and none of the server's.
type metricsLog struct{ *slog.Logger }

// Println implements promhttp.Logger.
func (l metricsLog) Println(v ...any) {
	level := slog.LevelWarn
	if slices.ContainsFunc(v, isClientGone) {
		level = slog.LevelDebug
	}
	l.Log(context.Background(), level, fmt.Sprint(v...))
}

func isClientGone(v any) bool {
	err, _ := v.(error)
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
