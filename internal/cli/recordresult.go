package cli

import (
	"fmt"
	"log/slog"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/recording"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/report"
)

// writeProfile writes the profile to out and the sources of programs beside it, and says how to look at them.
func (o *recordOptions) writeProfile(
	std streams, out *atomicfile.File, costs *profile.Costs, inside *profile.Inside,
) error {
	kept, err := out.Commit(costs.Write)
	if err != nil {
		return err
	}
	sources, err := recording.WriteSources(o.Path, inside)
	if err != nil {
		slog.Warn(err.Error())
	}
	std.say(wrote(o.Path, kept))
	std.say(fmt.Sprintf("look at it: lsmprof report %s --http localhost:0", o.Path))
	if sources != "" {
		std.say(fmt.Sprintf("with source code: go tool pprof -http=localhost: -source_path=%s %s",
			sources, o.Path))
	}
	return nil
}

// writePage writes the report on the profile.
func (o *recordOptions) writePage(std streams, costs *profile.Costs) error {
	p, err := costs.Profile()
	if err != nil {
		return err
	}
	return saveReport(std, o.html, report.NewProfile(p).WriteHTML)
}

// print writes the result. The table goes to stderr if stdout belongs to a command.
func (o *recordOptions) print(std streams, costs *profile.Costs) error {
	if o.JSON() {
		return costs.WriteJSON(std.out)
	}
	w := std.out
	if len(o.command) > 0 {
		w = std.err
	}
	t := costtable.Table{
		Costs: costs, By: o.by, Sort: o.sort, Rows: o.top, Verbose: std.verbose, Selection: o.selection(),
		Advice: advised,
	}
	if terminal.Is(w) {
		t.Width = terminal.Width(w)
	}
	return t.Write(w)
}

// selection says which calls were measured. It is empty for those of the whole machine.
func (o *recordOptions) selection() string {
	if o.session.command {
		return "the processes of " + o.command[0]
	}
	return o.filterText()
}
