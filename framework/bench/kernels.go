package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/bench/peak"
	"github.com/tunelab/tunelab/framework/compute"
)

// KernelOptions say what Kernels does.
type KernelOptions struct {
	Ops     []string      // beginnings of the names of ops; none: all
	Threads int           // 0: all cores
	Span    time.Duration // spent on each kernel
}

// KernelRate is what one kernel reached on one shape.
type KernelRate struct {
	Op     string  `json:"op"`
	Shape  string  `json:"shape"` // its integer arguments by name
	What   string  `json:"what"`  // where such a call comes from
	US     float64 `json:"us"`    // of a call in the fastest sample, in microseconds; the rates are its own
	Median float64 `json:"us_median"`
	GFLOPS float64 `json:"gflops"`
	GBS    float64 `json:"gb_per_second"` // each buffer read or written once, what is added to twice
	Bound  string  `json:"bound"`         // arithmetic or memory: which of the two peaks would take longer
	Share  float64 `json:"share_of_peak"` // the time that it would take at that peak, over the time taken
}

// KernelReport is what Kernels measured.
type KernelReport struct {
	FMA     float64      `json:"fma_peak_gflops"` // of the instruction set in use, on all threads
	Read    []ReadPeak   `json:"read_peaks"`      // by size, on all threads
	Kernels []KernelRate `json:"kernels"`
	Machine Machine      `json:"machine"`
}

// ReadPeak is how fast so many bytes are read over and over, from whichever
// cache or memory holds them.
type ReadPeak struct {
	Bytes int64   `json:"bytes"`
	GBS   float64 `json:"gb_per_second"`
}

// Kernels measures every op of the table on the shapes of real models. progress
// is told of each kernel as it is done.
func Kernels(ctx context.Context, o KernelOptions, progress func(done, total int)) (KernelReport, error) {
	e, err := openEngine(F32, o.Threads)
	if err != nil {
		return KernelReport{}, err
	}
	defer e.Close()
	var todo []kernelCase
	for _, op := range compute.Ops() {
		if len(o.Ops) > 0 && !slices.ContainsFunc(o.Ops, func(begin string) bool { return strings.HasPrefix(op.Name, begin) }) {
			continue
		}
		if _, ok := e.Kernel(op.Name); ok {
			todo = append(todo, casesOf(op)...)
		}
	}
	if len(todo) == 0 {
		return KernelReport{}, fmt.Errorf("op: none begins with %s", strings.Join(o.Ops, ", "))
	}
	r := KernelReport{Machine: thisMachine(e)}
	r.FMA = peak.FMA(r.isa(), r.threads())
	for i, c := range todo {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		k, err := r.measure(e, c, o.Span)
		if err != nil {
			return r, err
		}
		r.Kernels = append(r.Kernels, k)
		progress(i+1, len(todo))
	}
	slices.SortFunc(r.Read, func(a, b ReadPeak) int { return cmp.Compare(a.Bytes, b.Bytes) })
	return r, nil
}

// measure times one kernel.
func (r *KernelReport) measure(e compute.Engine, c kernelCase, span time.Duration) (KernelRate, error) {
	a, size := c.args(e)
	defer freeArgs(e, &a)
	if err := compute.Run(e, c.op, &a); err != nil { // warms up, and checks the shapes
		return KernelRate{}, err
	}
	run, _ := e.Kernel(c.op.Name)
	seconds, usual := perCall(span, func() { run(&a) })
	flops, bytes := float64(c.op.FLOPs(&a.Int)), float64(c.bytes)
	if c.bytes == 0 {
		bytes = float64(c.op.Bytes(&a.Int))
	}
	k := KernelRate{Op: c.op.Name, Shape: shape(c.op, &a.Int), What: c.what, US: seconds * 1e6, Median: usual * 1e6,
		GFLOPS: flops / seconds / 1e9, GBS: bytes / seconds / 1e9}
	arithmetic, memory := flops/r.FMA/1e9, bytes/r.read(size)/1e9
	k.Bound, k.Share = "arithmetic", arithmetic/seconds
	if memory > arithmetic {
		k.Bound, k.Share = "memory", memory/seconds
	}
	return k, nil
}

func freeArgs(e compute.Engine, a *compute.Args) {
	for _, b := range a.Buf {
		if b != nil {
			e.Free(b)
		}
	}
}

// isa is the instruction set that the engine uses.
func (r *KernelReport) isa() string {
	isa, _, _ := strings.Cut(r.Machine.Features, " ")
	return isa
}

// threads are those that can run at once.
func (r *KernelReport) threads() int { return min(r.Machine.Threads, r.Machine.Cores) }

// read is the peak for work on so many bytes, to two binary digits.
func (r *KernelReport) read(size int64) float64 {
	step := int64(1) << max(bits.Len64(uint64(size))-3, 0)
	size = (size + step/2) / step * step
	for _, p := range r.Read {
		if p.Bytes == size {
			return p.GBS
		}
	}
	r.Read = append(r.Read, ReadPeak{size, peak.Read(r.isa(), size, r.threads())})
	return r.Read[len(r.Read)-1].GBS
}

// perCall is the time of one call in seconds, in the fastest sample and in the
// median one. A sample takes a thirtieth of span or more, and is one call where
// that takes longer; there are three at least.
func perCall(span time.Duration, call func()) (fastest, usual float64) {
	n := 1
	var samples []float64
	for start := time.Now(); time.Since(start) < span || len(samples) < 3; {
		t := time.Now()
		for range n {
			call()
		}
		d := time.Since(t)
		if d < span/30 {
			n *= 2
			samples = nil
			continue
		}
		samples = append(samples, d.Seconds()/float64(n))
	}
	return slices.Min(samples), median(samples)
}
