package profile

import (
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// callEverything calls all exported methods of the value and of a pointer to it, with arguments made up from their
// types.
func callEverything(t *testing.T, value any) {
	t.Helper()
	pointer := reflect.New(reflect.TypeOf(value))
	pointer.Elem().Set(reflect.ValueOf(value))
	for i := range pointer.NumMethod() {
		name := pointer.Type().Method(i).Name
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%T.%s of %+v panics: %v", value, name, value, p)
				}
			}()
			method := pointer.Method(i)
			var args []reflect.Value
			for k := range method.Type().NumIn() {
				args = append(args, madeUp(method.Type().In(k)))
			}
			method.Call(args)
		}()
	}
}

func madeUp(t reflect.Type) reflect.Value {
	switch {
	case t == reflect.TypeFor[io.Writer]():
		return reflect.ValueOf(io.Discard)
	case t == reflect.TypeFor[io.Reader]():
		return reflect.ValueOf(strings.NewReader("{}"))
	case t.Kind() == reflect.Pointer:
		return reflect.New(t.Elem())
	case t.Kind() == reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) (out []reflect.Value) {
			for i := range t.NumOut() {
				out = append(out, reflect.Zero(t.Out(i)))
			}
			return out
		})
	}
	return reflect.Zero(t)
}

func TestNoMethodPanics(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, zero := range []any{
		Snapshot{},
		Costs{},
		Cost{},
		Group{},
		Program{},
		Workload{},
		Stack{},
		Frame{},
		Histogram{},
		Calibration{},
		Median{},
		Warning{},
		CrossCheck{},
		Scope(-1), Scope(9),
		Costs{Rows: []Cost{{Row: Row{Program: 3, Syscall: SyscallOverflow}}}},
	} {
		callEverything(t, zero)
	}
	for range 300 {
		s := nonsense(rng)
		callEverything(t, s)
		costs, err := s.Costs()
		callEverything(t, costs)
		if err != nil {
			continue
		}
		for i := range costs.Rows {
			callEverything(t, costs.Rows[i])
		}
		for _, g := range costs.Groups(func(c *Cost) string { return c.Name }) {
			callEverything(t, g)
		}
	}
	for i := -5; i < Buckets+200; i++ {
		Bounds(i)
	}
}

// nonsense returns a snapshot that no recording can give.
func nonsense(rng *rand.Rand) Snapshot {
	s := Snapshot{Calibration: calibrated, Sample: rng.IntN(3) - 1, StackSample: rng.IntN(3) - 1}
	if rng.IntN(2) == 0 {
		s.Calibration = Calibration{Runs: 1, Bias: Median{Value: -1e300}, Dispatch: Median{Value: 1e300}}
	}
	for range rng.IntN(3) {
		s.Programs = append(s.Programs, Program{
			Scope: Scope(rng.IntN(3)), Probe: ProbeKind(rng.IntN(5)), Position: rng.IntN(3) - 1,
			Timed: rng.Uint64(), Preempted: rng.Uint64(), Missed: rng.Uint64N(2) * rng.Uint64(),
		})
	}
	for range rng.IntN(4) {
		r := Row{
			Program:   rng.IntN(len(s.Programs) + 1),
			Syscall:   []string{"", SyscallOverflow, "\xff"}[rng.IntN(3)],
			Rules:     rng.IntN(4) - 2,
			Workload:  Workload{Comm: "\xff\n", ContainerID: "é"},
			Preempted: rng.Uint64(),
			Sum:       rng.Uint64(),
			Stacks:    []Stack{{Count: rng.Uint64N(2), User: []Frame{{}}}, {}},
		}
		for i := range r.Readings {
			r.Readings[i] = rng.Uint64N(2) * rng.Uint64()
		}
		s.Rows = append(s.Rows, r)
	}
	if rng.IntN(2) == 0 {
		s.CrossCheck = &CrossCheck{Programs: make([]KernelRuns, rng.IntN(3))}
	}
	return s
}
