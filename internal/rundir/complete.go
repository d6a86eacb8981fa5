package rundir

// Complete returns the results of complete rounds. A round of a test is complete when all scenarios have a result. If a
// round was repeated, the last results count.
func Complete(p *Plan, all []Result) []Result {
	type round struct {
		test  string
		round int
	}
	latest := map[round]map[string]Result{}
	var order []round
	for _, r := range all {
		key := round{r.Test, r.Round}
		if latest[key] == nil {
			latest[key] = map[string]Result{}
			order = append(order, key)
		}
		latest[key][r.Scenario] = r
	}
	var out []Result
	for _, key := range order {
		if p.Order != Sequential && len(latest[key]) < len(p.Scenarios) {
			continue
		}
		for _, s := range p.Scenarios {
			if r, ok := latest[key][s.Name]; ok {
				out = append(out, r)
			}
		}
	}
	return out
}
