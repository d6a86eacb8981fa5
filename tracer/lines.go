package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// DefaultLines is how often each CPU is interrupted by default, in Hz. An interrupt costs up to 15 µs in a virtual
// machine, most of it to set the timer again, so that this is at most 0.6 % of a CPU. It is no divisor of common
// intervals: otherwise samples would keep step with what a program does every millisecond.
const DefaultLines = 397

const (
	lineSampleSize  = 32  // of struct line_sample, bytes
	usualLineSample = 256 // with its addresses, bytes
)

// lineRing returns the size of the buffer of each CPU, in bytes: it holds the samples of twice the interval between two
// polls, even if all of them are in programs.
func lineRing(hz int) int {
	samples := 2 * hz * int(PollInterval) / int(time.Second)
	return min(max(1<<bits.Len(uint(samples*usualLineSample)), minRing), maxRing)
}

// lineSampler samples the insides of programs.
type lineSampler struct {
	hz     int
	prog   *ebpf.Program
	maps   lineMaps
	mem    mapMemory // of maps.Range
	events *cpuEvents
	reader *perf.Reader
	record perf.Record
	code   code
	// mostSamples is how many the buffers hold: one read takes no more, so that it ends.
	mostSamples int
	damaged     uint64
	total       bpf.LinesLineTally // of all CPUs, as of Close
}

type lineMaps struct {
	Range   *ebpf.Map `ebpf:"code"`
	Buffers *ebpf.Map `ebpf:"line_buffers"`
	Samples *ebpf.Map `ebpf:"line_samples"`
}

// lineSample is one interrupt that found a program under way.
type lineSample struct {
	mntns   uint32
	syscall uint16
	comm    string
	stack   []uint64 // innermost first
}

// newLineSampler opens the events. They sample nothing until a program is added.
func newLineSampler(hz int, l *loader, scope profile.Scope) (_ *lineSampler, err error) {
	spec, err := bpf.LoadLines()
	if err != nil {
		return nil, fmt.Errorf("read sampler object: %w", err)
	}
	name := bpf.LinesProgLineSampler
	if scope == profile.ScopeHook {
		name = bpf.LinesProgLineSamplerLegacy
	}
	spec = withPrograms(spec, map[string]string{"sampler": name})
	delete(spec.Maps, bpf.LinesMapTaskSlots)
	if err := spec.Variables[bpf.LinesVarModeOfAll].Set(uint32(l.mode)); err != nil {
		return nil, err
	}
	var objs struct {
		lineMaps
		Sampler *ebpf.Program `ebpf:"sampler"`
	}
	err = spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{controlMap: l.control.m}, Cache: kernelTypes,
	})
	if err != nil {
		return nil, fmt.Errorf("load the line sampler: %w", lsm.ExplainLoad(err))
	}
	s := &lineSampler{hz: hz, prog: objs.Sampler, maps: objs.lineMaps}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.mem, err = mapMap(s.maps.Range); err != nil {
		return nil, fmt.Errorf("map the sampler's range: %w", err)
	}
	size := lineRing(hz)
	s.reader, err = perf.NewReaderWithOptions(s.maps.Samples, size, perf.ReaderOptions{Watermark: size / 2})
	if err != nil {
		return nil, &RingError{Bytes: size, Err: lsm.ExplainLoad(err)}
	}
	s.mostSamples = size / lineSampleSize * l.cpus
	if s.events, err = openCPUEvents(hz, l.cpus, s.prog); err != nil {
		return nil, fmt.Errorf("sample lines: %w", err)
	}
	return s, s.events.start()
}

// watch makes the code of programs known, and forgets that of programs that are gone. Probes are lsmprof's own.
func (s *lineSampler) watch(programs map[ebpf.ProgramID]string, probes map[ebpf.ProgramID]bool) error {
	for id, p := range s.code.programs {
		_, wanted := programs[id]
		if !wanted && !probes[id] && !slices.ContainsFunc(p.tailOf, func(root ebpf.ProgramID) bool {
			_, wanted := programs[root]
			return wanted
		}) {
			s.code.remove(id)
		}
	}
	for id, name := range programs {
		if err := s.code.follow(id, name); err != nil {
			return err
		}
	}
	for id := range probes {
		if s.code.programs[id] != nil {
			continue
		}
		p, functions, _, err := readCode(id, "")
		if err != nil {
			return err
		}
		p.own = true
		s.code.add(p, functions)
	}
	first, length := s.code.bounds()
	binary.NativeEndian.PutUint64(s.mem[8:], 0)
	binary.NativeEndian.PutUint64(s.mem, first)
	binary.NativeEndian.PutUint64(s.mem[8:], length)
	return nil
}

// read calls fn for each sample until the buffers are empty.
func (s *lineSampler) read(fn func(lineSample)) error {
	s.reader.SetDeadline(time.Now())
	for range s.mostSamples {
		err := s.reader.ReadInto(&s.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case perf.IsUnknownEvent(err):
			continue
		case err != nil:
			return fmt.Errorf("read line samples: %w", err)
		case s.record.LostSamples > 0:
			continue // the tally has them
		}
		sample, ok := decodeLineSample(s.record.RawSample)
		if !ok {
			s.damaged++
			continue
		}
		fn(sample)
	}
	return nil
}

// decodeLineSample decodes a struct line_sample with its addresses, which the kernel may pad with up to seven bytes.
func decodeLineSample(raw []byte) (out lineSample, ok bool) {
	var s bpf.LinesLineSample
	if len(raw) < lineSampleSize {
		return out, false
	}
	if _, err := binary.Decode(raw[:lineSampleSize], binary.NativeEndian, &s); err != nil {
		return out, false
	}
	if int(s.Bytes)%8 != 0 || int(s.Bytes) > len(raw)-lineSampleSize {
		return out, false
	}
	return lineSample{
		s.Mntns, s.Syscall, cString(s.Comm[:]), addresses(raw[lineSampleSize : lineSampleSize+int(s.Bytes)]),
	}, true
}

// tally returns what became of the interrupts of all CPUs.
func (s *lineSampler) tally() bpf.LinesLineTally {
	if s.maps.Buffers == nil {
		return s.total
	}
	var buffers []bpf.LinesLineBuffer
	if err := s.maps.Buffers.Lookup(uint32(0), &buffers); err != nil {
		return s.total
	}
	s.total = bpf.LinesLineTally{}
	for _, b := range buffers {
		s.total.Seen += b.Tally.Seen
		s.total.Sent += b.Tally.Sent
		s.total.Lost += b.Tally.Lost
		s.total.Unknown += b.Tally.Unknown
	}
	return s.total
}

// Close stops sampling. What was counted stays.
func (s *lineSampler) Close() error {
	if s == nil {
		return nil
	}
	errs := []error{s.events.Close()}
	s.tally()
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	errs = append(errs, s.mem.Close())
	for _, m := range []**ebpf.Map{&s.maps.Range, &s.maps.Buffers, &s.maps.Samples} {
		errs = append(errs, (*m).Close())
		*m = nil
	}
	errs = append(errs, s.prog.Close())
	s.prog = nil
	return errors.Join(errs...)
}
