package serve

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
)

func TestClientsThatAreGoneFillNoLog(t *testing.T) {
	var log bytes.Buffer
	l := metricsLog{slog.New(slog.NewTextHandler(&log, nil))}
	for _, gone := range []error{syscall.EPIPE, syscall.ECONNRESET} {
		l.Println("error encoding and sending metric family:", fmt.Errorf("write tcp: %w", gone))
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
	l.Println("error gathering metrics:", errors.New("two of one name"))
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "two of one name") {
		t.Errorf("logged %s", &log)
	}
}
