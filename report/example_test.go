package report_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/lsmprof/lsmprof/report"
)

// The run directory of the documentation, which `lsmprof bench` made.
const run = "../docs/sample/run"

func ExampleOpen() {
	r, err := report.Open(run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Title)
	for _, t := range r.Tests {
		for _, c := range t.Cells {
			if c.Scenario == "rules=8" && c.Significant {
				fmt.Printf("%s loses %.0f %%\n", t.Label, 100*c.Loss)
			}
		}
	}
	// Output:
	// What the reference enforcer costs
	// Start a program (execl) loses 2 %
	// Open a file (openclose) loses 51 %
	// Rename a file (rename) loses 59 %
	// Connect a socket (connect) loses 58 %
}

func ExampleReport_Compare() {
	older, err := report.Open(run)
	if err != nil {
		log.Fatal(err)
	}
	newer, err := report.Open(run) // the same run here; usually a newer one
	if err != nil {
		log.Fatal(err)
	}
	r := newer.Compare(older)
	fmt.Println(r.Answer[0])
	fmt.Println(len(r.Comparison.Deltas), "cells,", len(r.Regressions(0.01)),
		"of them lose a point more than before")
	// Output:
	// Both are the same run.
	// 48 cells, 0 of them lose a point more than before
}

func ExampleReport_WriteMarkdown() {
	r, err := report.Open(run)
	if err != nil {
		log.Fatal(err)
	}
	var b strings.Builder
	if err := r.WriteMarkdown(&b); err != nil {
		log.Fatal(err)
	}
	heading, _, _ := strings.Cut(b.String(), "\n")
	fmt.Println(heading)
	// Output: # What the reference enforcer costs
}

func ExampleReport_Tables() {
	r, err := report.Open(run)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range r.Tables() {
		var b strings.Builder
		if err := t.Write(&b); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s.csv: %d rows\n", t.Name, strings.Count(b.String(), "\n")-1)
	}
	// Output:
	// scores.csv: 56 rows
	// hooks.csv: 42 rows
	// rules.csv: 7 rows
	// rounds.csv: 768 rows
}
