package kernel

import "context"

// Override replaces what package tracer finds out about the running kernel, so that tests can load every kind of
// probe on any kernel. It can only ask for less than the kernel offers: nothing makes the tracer probe programs
// before Linux 5.18.
type Override struct {
	HookScope   bool  // probe hooks, as before Linux 5.18
	Preemptible *bool // whether the probes check for preemption; nil: as Preempts says
	OnlineCPUs  int   // how many CPUs are online; 0: as they are
	SmallValues bool  // refuse map values of more than 4 MiB
}

type overrideKey struct{}

// WithOverride returns a context under which the tracer uses o.
func WithOverride(ctx context.Context, o Override) context.Context {
	return context.WithValue(ctx, overrideKey{}, o)
}

// OverrideFrom returns the override in ctx, or the zero Override.
func OverrideFrom(ctx context.Context) Override {
	o, _ := ctx.Value(overrideKey{}).(Override)
	return o
}
