// Package report turns run directories into something that an engineer opens, believes and forwards: one HTML file, Markdown, JSON
// and CSV. It is pure: the same run directory gives the same bytes, on any machine.
//
// The way through it: [New] works out a [Report] from a run that package rundir has read, [Compare] one from two runs; the Write
// methods only show what is in it. What a run directory lacks is said in Report.Warnings, and left out.
package report
