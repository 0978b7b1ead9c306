package cpu

/*
#include <stdlib.h>
#include "tl.h"
*/
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"unsafe"

	"github.com/tunelab/tunelab/framework/compute"
)

// buffer is C memory. ptr is nil after Free, and before the first use of a lazy
// one.
type buffer struct {
	ptr   unsafe.Pointer
	n     int
	dt    compute.DType
	class int
	lazy  *lazy // nil: it has memory from the start
}

// lazy says how a buffer is filled at its first use.
type lazy struct {
	mu   sync.Mutex
	e    *Engine
	fill func(dst any) error // nil: it is filled, or was freed
}

// memory is the buffer's address, filled; nil after Free.
func (b *buffer) memory() unsafe.Pointer {
	if l := b.lazy; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.fill != nil {
			p, class := l.e.get(b.n, b.dt)
			if err := l.fill(sliceOf(p, b.dt, b.n)); err != nil {
				l.e.mem.put(p, class, b.n*b.dt.Size())
				panic(&compute.FillError{Err: err})
			}
			b.ptr, b.class, l.fill = p, class, nil
		}
	}
	return b.ptr
}

// sliceOf is memory in Go's types.
func sliceOf(p unsafe.Pointer, dt compute.DType, n int) any {
	switch dt {
	case compute.I32:
		return unsafe.Slice((*int32)(p), n)
	case compute.U8:
		return unsafe.Slice((*uint8)(p), n)
	}
	return unsafe.Slice((*float32)(p), n)
}

func (b *buffer) DType() compute.DType { return b.dt }
func (b *buffer) Len() int             { return b.n }

// Alloc returns a zeroed buffer. It is freed at the latest when the garbage
// collector finds it unreachable.
func (e *Engine) Alloc(dt compute.DType, n int) compute.Buffer {
	b := e.raw(dt, n)
	C.tl_zero(b.ptr, C.size_t(n*dt.Size()))
	runtime.SetFinalizer(b, func(b *buffer) { e.Free(b) })
	return b
}

// AllocLazy implements compute.LazyEngine.
func (e *Engine) AllocLazy(dt compute.DType, n int, fill func(dst any) error) compute.Buffer {
	b := &buffer{n: n, dt: dt, lazy: &lazy{e: e, fill: fill}}
	runtime.SetFinalizer(b, func(b *buffer) { e.Free(b) })
	return b
}

// AllocRaw returns a buffer with arbitrary contents, to be given back with Free.
func (e *Engine) AllocRaw(dt compute.DType, n int) compute.Buffer { return e.raw(dt, n) }

func (e *Engine) raw(dt compute.DType, n int) *buffer {
	p, class := e.get(n, dt)
	return &buffer{ptr: p, n: n, dt: dt, class: class}
}

// get is memory for n elements.
func (e *Engine) get(n int, dt compute.DType) (unsafe.Pointer, int) {
	if n < 0 || n > maxElements {
		panic(&compute.MemoryError{Bytes: math.MaxInt64, InUse: e.InUse(), Available: -1})
	}
	p, class, err := e.mem.get(n * dt.Size())
	if err != nil {
		panic(err)
	}
	return p, class
}

// maxElements is more than any machine has room for, and far from overflow.
const maxElements = math.MaxInt / 64

// Free gives a buffer back for reuse; freeing twice does nothing.
func (e *Engine) Free(x compute.Buffer) {
	b, ok := x.(*buffer)
	if !ok || b == nil {
		return
	}
	if l := b.lazy; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fill = nil // one that was never used is not filled any more
	}
	if b.ptr == nil {
		return
	}
	p := b.ptr
	b.ptr = nil
	e.mem.put(p, b.class, b.n*b.dt.Size())
}

// InUse is the number of bytes in buffers that have not been freed.
func (e *Engine) InUse() int64 { e.mem.mu.Lock(); defer e.mem.mu.Unlock(); return e.mem.live }

// Held is the number of bytes the engine has taken from the system, pools included.
func (e *Engine) Held() int64 { e.mem.mu.Lock(); defer e.mem.mu.Unlock(); return e.mem.held }

func host[T any](b *buffer) []T {
	p := b.memory()
	if p == nil {
		panic(&compute.SizeError{Op: "cpu", Arg: "a buffer that was already freed", Want: b.n, WantType: b.dt, GotType: b.dt})
	}
	return unsafe.Slice((*T)(p), b.n)
}

func checkHost(op string, b *buffer, dt compute.DType, n int) {
	if b.dt != dt || b.n != n {
		panic(&compute.SizeError{Op: op, Arg: "host slice", Want: b.n, Got: n, WantType: b.dt, GotType: dt})
	}
}

// Upload copies src into b.
func (e *Engine) Upload(x compute.Buffer, src any) {
	b := x.(*buffer)
	switch s := src.(type) {
	case []float32:
		checkHost("upload", b, compute.F32, len(s))
		copy(host[float32](b), s)
	case []int32:
		checkHost("upload", b, compute.I32, len(s))
		copy(host[int32](b), s)
	case []uint8:
		checkHost("upload", b, compute.U8, len(s))
		copy(host[uint8](b), s)
	default:
		panic(fmt.Sprintf("cpu: upload: cannot copy from %T, want []float32, []int32 or []uint8", src))
	}
	runtime.KeepAlive(b)
}

// Download copies b into dst.
func (e *Engine) Download(dst any, x compute.Buffer) {
	b := x.(*buffer)
	switch d := dst.(type) {
	case []float32:
		checkHost("download", b, compute.F32, len(d))
		copy(d, host[float32](b))
	case []int32:
		checkHost("download", b, compute.I32, len(d))
		copy(d, host[int32](b))
	case []uint8:
		checkHost("download", b, compute.U8, len(d))
		copy(d, host[uint8](b))
	default:
		panic(fmt.Sprintf("cpu: download: cannot copy to %T, want []float32, []int32 or []uint8", dst))
	}
	runtime.KeepAlive(b)
}
