package profile

// DocumentEachRule is what each rule cost, in a separate pass.
type DocumentEachRule struct {
	DurationNs  int64             `json:"duration_ns"`
	Rerun       bool              `json:"rerun"` // the command ran again
	Calibration RuleCalibration   `json:"calibration"`
	Rules       []DocumentRule    `json:"rules"`    // by workload, program, function and index
	Untimed     []DocumentUntimed `json:"untimed"`  // rules that cannot be timed one by one
	Findings    []Finding         `json:"findings"` // advice
	Missed      uint64            `json:"missed"`   // looks that no probe saw
	Lost        uint64            `json:"lost"`     // looks for which the probes had no memory
}

// DocumentRule is what one rule cost one workload in one function of one program.
type DocumentRule struct {
	Workload   string  `json:"workload"`
	MntNS      uint32  `json:"mntns"`
	Enforcer   string  `json:"enforcer"`
	Program    string  `json:"program"`
	ProgramID  uint32  `json:"program_id"`
	Hook       string  `json:"hook"`
	Function   string  `json:"function"`
	Kind       string  `json:"kind"`
	Rule       int     `json:"rule"`
	Text       string  `json:"text"`     // empty: unknown
	PastEnd    bool    `json:"past_end"` // no rule has this index: the walk ended here
	ShadowedBy *int    `json:"shadowed_by"`
	Looks      uint64  `json:"looks"`
	Matches    uint64  `json:"matches"` // times that the walk ended here
	Timed      uint64  `json:"timed"`
	MeanNs     float64 `json:"mean_ns"`
	TotalNs    float64 `json:"total_ns"`
}

// DocumentUntimed are rules that cannot be timed one by one.
type DocumentUntimed struct {
	Workload  string   `json:"workload"`
	MntNS     uint32   `json:"mntns"`
	Enforcer  string   `json:"enforcer"`
	Program   string   `json:"program"`
	ProgramID uint32   `json:"program_id"`
	Hook      string   `json:"hook"`
	Kind      string   `json:"kind"`
	Rules     []string `json:"rules"`
	Reason    string   `json:"reason"`
}

func (e *EachRule) document() *DocumentEachRule {
	if e == nil {
		return nil
	}
	doc := &DocumentEachRule{
		DurationNs: int64(e.Duration), Rerun: e.Rerun, Calibration: e.Calibration, Rules: []DocumentRule{},
		Untimed: []DocumentUntimed{}, Findings: append([]Finding{}, e.Findings()...), Missed: e.Missed,
		Lost: e.Lost,
	}
	for _, c := range e.Costs() {
		r := DocumentRule{
			Workload: c.Workload.Name(), MntNS: c.Workload.MntNS, Enforcer: c.Program.Enforcer,
			Program: c.Program.Name, ProgramID: c.Program.ID, Hook: c.Program.Hook, Function: c.Function,
			Kind: c.Kind, Rule: c.Rule, Text: c.Text, PastEnd: c.PastEnd, Looks: c.Looks,
			Matches: c.Matches,
			Timed:   c.Timed, MeanNs: c.Mean, TotalNs: c.Total,
		}
		if by := c.ShadowedBy; by >= 0 {
			r.ShadowedBy = &by
		}
		doc.Rules = append(doc.Rules, r)
	}
	for _, u := range e.Untimed {
		doc.Untimed = append(doc.Untimed, DocumentUntimed{
			u.Workload.Name(), u.Workload.MntNS, u.Program.Enforcer, u.Program.Name, u.Program.ID,
			u.Program.Hook,
			u.Kind, append([]string{}, u.Rules...), u.Reason,
		})
	}
	return doc
}
