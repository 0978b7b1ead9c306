package ref

import (
	"fmt"
	"sync"

	"github.com/tunelab/tunelab/framework/compute"
)

func init() {
	compute.Register("ref", func(int) (compute.Engine, error) { return New(), nil })
}

type buffer struct {
	dt compute.DType
	f  []float64
	i  []int32
	u  []uint8
}

func (b *buffer) DType() compute.DType { return b.dt }

func (b *buffer) Len() int {
	switch b.dt {
	case compute.I32:
		return len(b.i)
	case compute.U8:
		return len(b.u)
	}
	return len(b.f)
}

// Engine is the reference engine.
type Engine struct {
	memoMu sync.Mutex
	memo   map[string]any
}

var _ compute.Engine = (*Engine)(nil)

// New makes a reference engine.
func New() *Engine { return &Engine{memo: map[string]any{}} }

// Name is "ref".
func (e *Engine) Name() string { return "ref" }

// Features says that F32 buffers hold float64.
func (e *Engine) Features() string { return "pure Go, float64 storage" }

// Threads is 1.
func (e *Engine) Threads() int { return 1 }

// Alloc returns a zeroed buffer.
func (e *Engine) Alloc(dt compute.DType, n int) compute.Buffer {
	b := &buffer{dt: dt}
	switch dt {
	case compute.I32:
		b.i = make([]int32, n)
	case compute.U8:
		b.u = make([]uint8, n)
	default:
		b.f = make([]float64, n)
	}
	return b
}

// AllocRaw is Alloc.
func (e *Engine) AllocRaw(dt compute.DType, n int) compute.Buffer { return e.Alloc(dt, n) }

// Free leaves the buffer to the garbage collector.
func (e *Engine) Free(compute.Buffer) {}

// Floats gives the float64 storage of an F32 buffer of this engine, for finite
// differences: the slice is live, not a copy.
func Floats(b compute.Buffer) []float64 { return b.(*buffer).f }

// Upload copies src into b.
func (e *Engine) Upload(b compute.Buffer, src any) {
	d := b.(*buffer)
	switch s := src.(type) {
	case []float32:
		check("upload", d, compute.F32, len(s))
		for k, v := range s {
			d.f[k] = float64(v)
		}
	case []int32:
		check("upload", d, compute.I32, len(s))
		copy(d.i, s)
	case []uint8:
		check("upload", d, compute.U8, len(s))
		copy(d.u, s)
	default:
		panic(fmt.Sprintf("ref: upload: cannot copy from %T, want []float32, []int32 or []uint8", src))
	}
}

// Download copies b into dst, rounding to float32.
func (e *Engine) Download(dst any, b compute.Buffer) {
	s := b.(*buffer)
	switch d := dst.(type) {
	case []float32:
		check("download", s, compute.F32, len(d))
		for k, v := range s.f {
			d[k] = float32(v)
		}
	case []int32:
		check("download", s, compute.I32, len(d))
		copy(d, s.i)
	case []uint8:
		check("download", s, compute.U8, len(d))
		copy(d, s.u)
	default:
		panic(fmt.Sprintf("ref: download: cannot copy to %T, want []float32, []int32 or []uint8", dst))
	}
}

func check(op string, b *buffer, dt compute.DType, n int) {
	if b.dt != dt || b.Len() != n {
		panic(&compute.SizeError{Op: op, Arg: "host slice", Want: b.Len(), Got: n, WantType: b.dt, GotType: dt})
	}
}

// Kernel finds the kernel of an op.
func (e *Engine) Kernel(op string) (compute.Kernel, bool) {
	kernelMu.RLock()
	k, ok := kernels[op]
	kernelMu.RUnlock()
	return k, ok
}

// Memo implements compute.Engine.
func (e *Engine) Memo(key string, build func() any) any {
	e.memoMu.Lock()
	defer e.memoMu.Unlock()
	v, ok := e.memo[key]
	if !ok {
		v = build()
		e.memo[key] = v
	}
	return v
}

var (
	kernelMu sync.RWMutex
	kernels  = map[string]compute.Kernel{}
)

// Register adds the reference kernel of an op, for ops that are registered
// outside this module's rooms with compute.RegisterOp.
func Register(op string, k compute.Kernel) {
	kernelMu.Lock()
	defer kernelMu.Unlock()
	kernels[op] = k
}

func f(a *compute.Args, k int) []float64 {
	if a.Buf[k] == nil {
		return nil
	}
	return a.Buf[k].(*buffer).f
}

func ints(a *compute.Args, k int) []int32   { return a.Buf[k].(*buffer).i }
func bytesOf(a *compute.Args, k int) []byte { return a.Buf[k].(*buffer).u }
