package profile

// Warning is something that a reader must know before trusting the numbers of a [Snapshot]. Its text says what is wrong and names no
// flag of any program; Kind lets a caller add advice of its own. In JSON a Warning is its text.
type Warning struct {
	Kind WarningKind
	Text string
}

// WarningKind says what a [Warning] is about.
type WarningKind string

// The kinds of warnings that a caller can give advice about. All others are the empty kind.
const (
	WarnNotCalibrated     WarningKind = "not-calibrated"     // times are readings
	WarnCalibration       WarningKind = "calibration"        // rough or refused
	WarnCalibrationShared WarningKind = "calibration-shared" // another program was on the hook that lsmprof calibrates on
	WarnCountersFull      WarningKind = "counters-full"      // calls were charged to Other for want of counters
	WarnStacksLost        WarningKind = "stacks-lost"        // sampled stacks were lost
)

// String returns the text.
func (w Warning) String() string { return w.Text }

// MarshalText returns the text, without the kind.
func (w Warning) MarshalText() ([]byte, error) { return []byte(w.Text), nil }

// UnmarshalText sets the text; the kind is not in it.
func (w *Warning) UnmarshalText(text []byte) error {
	w.Text = string(text)
	return nil
}
