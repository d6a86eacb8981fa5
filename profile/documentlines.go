package profile

// DocumentLines says in which lines the time of each program went.
type DocumentLines struct {
	Event    string                 `json:"event"`   // what interrupted the CPUs: cycles or cpu-clock
	Hz       int                    `json:"hz"`      // interrupts of each CPU per second
	Samples  uint64                 `json:"samples"` // in programs; the following are in none of them
	Own      uint64                 `json:"own"`     // in lsmprof's probes
	Other    uint64                 `json:"other"`   // in programs that several others call
	Lost     uint64                 `json:"lost"`    // a buffer was full
	Unknown  uint64                 `json:"unknown"` // the kernel knew no stack
	Programs []DocumentProgramLines `json:"programs"`
}

// DocumentProgramLines are the lines of a program. Their bodies add up to body_ns.
type DocumentProgramLines struct {
	Program  string         `json:"program"`
	Hook     string         `json:"hook"`
	Enforcer string         `json:"enforcer"`
	Without  string         `json:"without"` // why functions stand for the lines; empty: they do not
	Calls    uint64         `json:"calls"`   // in rows with samples
	BodyNs   float64        `json:"body_ns"` // of these calls; estimated if divided
	Divided  bool           `json:"divided"` // the hook was measured as a whole, and divided among its programs
	Samples  uint64         `json:"samples"`
	Lines    []DocumentLine `json:"lines"` // the most expensive first
}

// DocumentLine is one line, with the helpers that it called.
type DocumentLine struct {
	Program  string           `json:"program"` // differs from that of the lines in programs that it tail-called
	Function string           `json:"function"`
	File     string           `json:"file"` // empty: the line is unknown
	Line     int              `json:"line"`
	Text     string           `json:"text"`
	Samples  uint64           `json:"samples"`
	BodyNs   float64          `json:"body_ns"` // of all calls
	LowNs    float64          `json:"low_ns"`  // ends of the 95 % interval of body_ns
	HighNs   float64          `json:"high_ns"`
	Helpers  []DocumentHelper `json:"helpers"` // the most expensive first
}

// DocumentHelper is a function of the kernel below a line.
type DocumentHelper struct {
	Function string  `json:"function"`
	Samples  uint64  `json:"samples"`
	BodyNs   float64 `json:"body_ns"`
}

func (c *Costs) documentLines() *DocumentLines {
	in := c.snapshot.Inside
	if in == nil {
		return nil
	}
	doc := &DocumentLines{
		in.Event, in.Hz, in.Samples, in.Own, in.Other, in.Lost, in.Unknown, []DocumentProgramLines{},
	}
	for _, p := range c.Lines(nil) {
		of := DocumentProgramLines{
			p.Program, p.Hook, p.Enforcer, p.Without, p.Calls, p.Body, p.Divided, p.Samples,
			[]DocumentLine{},
		}
		for _, l := range p.Lines {
			line := DocumentLine{
				l.Code.Program, l.Code.Function, l.Code.File, l.Code.Line, l.Text, l.Samples,
				l.Body, l.Low, l.High,
				[]DocumentHelper{},
			}
			for _, h := range l.Helpers {
				line.Helpers = append(line.Helpers, DocumentHelper{h.Function, h.Samples, h.Body})
			}
			of.Lines = append(of.Lines, line)
		}
		doc.Programs = append(doc.Programs, of)
	}
	return doc
}
