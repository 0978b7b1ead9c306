package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// OpTime is how long one op on one shape took in a step.
type OpTime struct {
	Op     string  `json:"op"`    // "" for what is outside of all ops: the tape, allocation, copies to and from the host
	Shape  string  `json:"shape"` // its integer arguments by name
	Calls  float64 `json:"calls"` // in a step
	MS     float64 `json:"ms"`    // in a step
	Share  float64 `json:"share"` // of the step
	GFLOPS float64 `json:"gflops,omitempty"`
	GBS    float64 `json:"gb_per_second,omitempty"` // each buffer read or written once
}

// timedEngine is the cpu engine with a clock around every kernel.
type timedEngine struct {
	*cpu.Engine
	mu      sync.Mutex
	kernels map[string]compute.Kernel
	times   map[timedCall]*callTime
}

type timedCall struct {
	op   string
	ints [compute.MaxInts]int64
}

type callTime struct {
	calls int64
	spent time.Duration
}

func newTimedEngine(e *cpu.Engine) *timedEngine {
	return &timedEngine{Engine: e, kernels: map[string]compute.Kernel{}, times: map[timedCall]*callTime{}}
}

// Kernel is the engine's kernel, timed.
func (e *timedEngine) Kernel(op string) (compute.Kernel, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k, ok := e.kernels[op]; ok {
		return k, true
	}
	plain, ok := e.Engine.Kernel(op)
	if !ok {
		return nil, false
	}
	timed := func(a *compute.Args) {
		start := time.Now()
		plain(a)
		e.add(timedCall{op, a.Int}, time.Since(start))
	}
	e.kernels[op] = timed
	return timed, true
}

func (e *timedEngine) add(c timedCall, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.times[c]
	if t == nil {
		t = &callTime{}
		e.times[c] = t
	}
	t.calls++
	t.spent += d
}

func (e *timedEngine) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.times)
}

// table lists the ops by their time, the longest first, and last what is
// outside of them, given the time of all steps together.
func (e *timedEngine) table(total time.Duration, steps int) []OpTime {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []OpTime
	outside := total
	for c, t := range e.times {
		op, _ := compute.LookupOp(c.op)
		outside -= t.spent
		seconds := t.spent.Seconds()
		out = append(out, OpTime{Op: c.op, Shape: shape(op, &c.ints), Calls: float64(t.calls) / float64(steps), MS: ms(t.spent) / float64(steps),
			Share: float64(t.spent) / float64(total), GFLOPS: float64(t.calls*op.FLOPs(&c.ints)) / seconds / 1e9, GBS: float64(t.calls*op.Bytes(&c.ints)) / seconds / 1e9})
	}
	slices.SortFunc(out, func(a, b OpTime) int {
		return cmp.Or(cmp.Compare(b.MS, a.MS), strings.Compare(a.Op, b.Op), strings.Compare(a.Shape, b.Shape))
	})
	return append(out, OpTime{MS: ms(outside) / float64(steps), Share: float64(outside) / float64(total)})
}

// ByOp adds up the shapes of each op, the longest first.
func ByOp(times []OpTime) []OpTime {
	at := map[string]int{}
	var out []OpTime
	for _, t := range times {
		i, ok := at[t.Op]
		if !ok {
			i = len(out)
			at[t.Op] = i
			out = append(out, OpTime{Op: t.Op})
		}
		o := &out[i]
		o.GFLOPS = (o.GFLOPS*o.MS + t.GFLOPS*t.MS) / (o.MS + t.MS)
		o.GBS = (o.GBS*o.MS + t.GBS*t.MS) / (o.MS + t.MS)
		o.Calls, o.MS, o.Share = o.Calls+t.Calls, o.MS+t.MS, o.Share+t.Share
	}
	slices.SortStableFunc(out, func(a, b OpTime) int { return cmp.Compare(b.MS, a.MS) })
	return out
}

// shape writes an op's integers by their names, those that are 0 left out.
func shape(op *compute.Op, ints *[compute.MaxInts]int64) string {
	var parts []string
	for k, name := range op.Ints {
		if ints[k] != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", name, ints[k]))
		}
	}
	return strings.Join(parts, " ")
}
