package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// newLogger returns the logger of a command. It writes no timestamps: people read the lines as they appear, and what
// collects those of serve adds its own. Only serve writes them as keys and values.
func newLogger(std streams, command string) *slog.Logger {
	level := slog.LevelInfo
	switch {
	case std.quiet:
		level = slog.LevelWarn
	case std.verbose:
		level = slog.LevelDebug
	}
	if command == "serve" {
		return slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level, ReplaceAttr: dropTime}))
	}
	return slog.New(proseHandler{std.err, level})
}

func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// proseHandler writes messages as the command line writes its other ones: "lsmprof: warning: MESSAGE: REASON".
type proseHandler struct {
	w     io.Writer
	level slog.Level
}

// Enabled implements slog.Handler.
func (h proseHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle implements slog.Handler.
func (h proseHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString("lsmprof: ")
	if r.Level >= slog.LevelWarn {
		line.WriteString("warning: ")
	}
	line.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			line.WriteString(": " + a.Value.String())
		} else {
			line.WriteString(" (" + a.Key + ": " + a.Value.String() + ")")
		}
		return true
	})
	_, err := io.WriteString(h.w, text.Printable(line.String())+"\n")
	return err
}

// WithAttrs implements slog.Handler. No logger of a command has attributes of its own.
func (h proseHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h proseHandler) WithGroup(string) slog.Handler { return h }
