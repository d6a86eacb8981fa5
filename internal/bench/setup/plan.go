package setup

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/text"
)

// Describe returns a line that says what a bench measures, and which other enforcers are attached.
func (s *Setup) Describe(now inforce.Reading) string {
	attached, others := Attached(now), ""
	if attached != "" {
		others = ". Attached in every scenario, the baseline included: " + attached
	}
	switch {
	case s.Enforcer == NoEnforcer:
		return "measuring identical scenarios, which show what this machine can tell apart" + others
	case s.Plan.Scripted() && attached == "":
		return "measuring the enforcer that the commands of the scenarios set up; none is attached now"
	case s.Plan.Scripted():
		return "measuring the enforcer that the commands of the scenarios set up; attached now: " + attached
	}
	return "measuring the reference enforcer of lsmprof, a stand-in. To measure another one, describe its " +
		"scenarios in a file for --scenarios" + others
}

// WritePlan prints what a bench would do. hooks are those of the enforcer that the run is about, if they are known.
func (s *Setup) WritePlan(w io.Writer, hooks []string) error {
	plan := s.Plan
	var names []string
	for _, in := range plan.Scenarios {
		names = append(names, in.Name)
	}
	fmt.Fprintf(w, "scenarios: %s\norder: %s, seed %d\nruns: %d of each test under each scenario\n",
		strings.Join(names, ", "), plan.Order,
		plan.Seed, plan.Runs)
	fmt.Fprintf(w, "time: about %s\n\n", timeText(plan.Duration(), s.profileTime()))
	t := &text.Table{Header: []string{"<TEST", "<SUITE", "ROUNDS"}}
	if len(hooks) > 0 {
		t.Header = append(t.Header, "<HOOKS REACHED")
	}
	missing := slices.Clone(hooks)
	for _, test := range plan.Tests {
		row := []string{test.Name, string(test.Kind), fmt.Sprint(plan.Rounds(test))}
		if len(hooks) > 0 {
			reached := slices.DeleteFunc(slices.Clone(test.Hooks),
				func(h string) bool { return !slices.Contains(hooks, h) })
			missing = slices.DeleteFunc(missing, func(h string) bool { return slices.Contains(reached, h) })
			row = append(row, strings.Join(reached, ", "))
		}
		t.Add(row...)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if len(missing) > 0 {
		fmt.Fprintf(w, "\nhooks of the enforcer that no chosen test reaches: %s\n", strings.Join(missing, ", "))
	}
	return nil
}

// WriteLeft prints what a bench that continues the run in a directory would do.
func (s *Setup) WriteLeft(w io.Writer, d *bench.Dir) error {
	left, duration := d.Left(s.Profiles())
	if len(left) == 0 {
		_, err := fmt.Fprintf(w, "nothing is left to measure in %s\n", d.Path)
		return err
	}
	fmt.Fprintf(w, "left to measure in %s\ntime: about %s\n\n", d.Path, timeText(duration, 0))
	t := &text.Table{Header: []string{"<TEST", "<SUITE", "ROUNDS LEFT", "<PROFILE RUN"}}
	for _, l := range left {
		profile := ""
		if l.Profile {
			profile = "yes"
		}
		t.Add(l.Test.Name, string(l.Test.Kind), fmt.Sprintf("%d of %d", l.Rounds, d.Info.Plan.Rounds(l.Test)),
			profile)
	}
	return t.Print(w)
}

// profileTime returns how long the profile runs of a plan take.
func (s *Setup) profileTime() (total time.Duration) {
	if s.Profiles() {
		for _, t := range s.Plan.Tests {
			total += s.Plan.ProfileDuration(t)
		}
	}
	return total
}

func timeText(scores, profiles time.Duration) string {
	s := scores.Round(time.Second).String()
	if profiles > 0 {
		s += ", and " + profiles.Round(time.Second).String() + " for profile runs"
	}
	return s
}
