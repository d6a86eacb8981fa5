// Package report turns run directories, which `lsmprof bench` makes, into reports: one HTML file, Markdown, plain text,
// JSON or CSV.
//
// [Open] reads a run directory and returns its [Report]. The exported fields hold the figures; the Write methods show
// them. [Report.Compare] reports what changed since an older run.
//
//	r, err := report.Open("lsmprof-bench-2026-11-28")
//	if err != nil {
//		return err
//	}
//	err = r.WriteHTML(w)
//
// [OpenProfile] does the same for a profile, [Fleet] adds up the profiles of many nodes, and [History] finds what
// changed over many runs or profiles.
//
// The package is pure: it starts no process, loads no BPF and asks the machine nothing. The same run directory gives
// the same bytes on every machine. Losses and shares are fractions of the baseline's score (0.02 is 2 %) and times are
// in ns, unless a field says otherwise.
//
// Errors: Open fails if the directory has no readable plan or if its results are damaged. Anything else that is missing
// or damaged is left out and named in Report.Warnings. A Write method fails only if its writer does.
//
// A Report must not be modified while it is being written. Its methods may be called concurrently.
package report
