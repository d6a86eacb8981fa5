package tracer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Measure for ten seconds what every BPF LSM program of this machine costs.
func ExampleStart() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cal, err := tracer.Calibrate(ctx, tracer.CalibrateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	t, err := tracer.Start(ctx, tracer.Options{Calibration: cal})
	if errors.Is(err, tracer.ErrUnsupported) {
		log.Fatalf("use a newer kernel: %v", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	if err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	snap, err := t.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	costs, err := snap.Costs()
	if err != nil {
		log.Fatal(err)
	}
	for i := range costs.Rows {
		r := &costs.Rows[i]
		fmt.Printf("%s in %s: %.0f ns per call\n", r.Workload.Name(), r.Syscall, r.Mean())
	}
}

// Print the calls that are denied, each with the file, the peer or the capability that it is about.
func ExampleStartTrace() {
	s, err := tracer.StartTrace(context.Background(), tracer.TraceOptions{Denied: true, About: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = s.Trace(ctx, func(e *tracer.Event) error {
		fmt.Printf("%s[%d]: %s denies %s of %s\n",
			e.Comm, e.PID, e.Program.Label(), e.Syscall, e.About)
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	loss, err := s.Loss()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d events, %d lost\n", loss.Received, loss.Total())
}

// List the programs that are attached, hook by hook.
func ExamplePrograms() {
	programs, err := tracer.Programs()
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range programs {
		if p.Attached() {
			fmt.Printf("%s: %s is number %d on the hook\n", p.Hook, p.Name, p.Position+1)
		}
	}
}

// podNames knows pods by their mount namespace.
type podNames map[uint32]string

func (p podNames) Name(w profile.Workload) profile.Workload {
	w.Pod = p[w.MntNS]
	return w
}

// A Namer replaces the command that a workload is otherwise named after.
func ExampleWorkloads() {
	name := tracer.Workloads(podNames{7: "web-0"})
	fmt.Println(name(7).Pod)
	// Output: web-0
}

// Methods of a closed Tracer return an error, and so do those of a zero one.
func ExampleTracer_Close() {
	var t tracer.Tracer
	fmt.Println("close:", t.Close())
	fmt.Println("closed:", errors.Is(t.Poll(context.Background()), os.ErrClosed))
	// Output:
	// close: <nil>
	// closed: true
}

// Events are lost CPU by CPU, each of which has its own buffer.
func ExampleLoss_Total() {
	loss := tracer.Loss{Received: 1000, Lost: []uint64{0, 3, 0, 4}}
	fmt.Printf("%d of %d events were lost\n", loss.Total(), loss.Received+loss.Total())
	// Output: 7 of 1007 events were lost
}
