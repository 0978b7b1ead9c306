package cpu

/*
#include <stdlib.h>
#include "tl.h"
*/
import "C"

import (
	"fmt"
	"math/bits"
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
	once sync.Once
	e    *Engine
	fill func(dst any)
}

// memory is the buffer's address, filled; nil after Free.
func (b *buffer) memory() unsafe.Pointer {
	if l := b.lazy; l != nil {
		l.once.Do(func() {
			b.ptr, b.class = l.e.mem.get(b.n * b.dt.Size())
			l.fill(b.slice())
			l.fill = nil
		})
	}
	return b.ptr
}

// slice is the memory in Go's types.
func (b *buffer) slice() any {
	switch b.dt {
	case compute.I32:
		return unsafe.Slice((*int32)(b.ptr), b.n)
	case compute.U8:
		return unsafe.Slice((*uint8)(b.ptr), b.n)
	}
	return unsafe.Slice((*float32)(b.ptr), b.n)
}

func (b *buffer) DType() compute.DType { return b.dt }
func (b *buffer) Len() int             { return b.n }

// memory keeps freed blocks in lists by size class: four classes for each power
// of two from 256 bytes on.
type memory struct {
	mu     sync.Mutex
	closed bool
	free   map[int][]unsafe.Pointer
	live   int64 // bytes handed out
	held   int64 // bytes taken from the system
}

// sizeClass gives the class of a block of at least n bytes, and its bytes.
func sizeClass(n int) (class, size int) {
	if n <= 256 {
		return 0, 256
	}
	e := bits.Len(uint(n-1)) - 1 // 2^e < n <= 2^(e+1)
	step := (1 << e) / 4
	k := (n - 1<<e + step - 1) / step // 1 to 4
	return (e-8)*4 + k, 1<<e + k*step
}

func (m *memory) get(n int) (p unsafe.Pointer, class int) {
	class, size := sizeClass(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live += int64(size)
	if list := m.free[class]; len(list) > 0 {
		p = list[len(list)-1]
		m.free[class] = list[:len(list)-1]
		return p, class
	}
	p = C.tl_alloc(C.size_t(size))
	if p == nil {
		panic(fmt.Sprintf("cpu: out of memory: could not get %d bytes (%d in use)", size, m.live))
	}
	m.held += int64(size)
	return p, class
}

func (m *memory) put(p unsafe.Pointer, class, n int) {
	_, size := sizeClass(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live -= int64(size)
	if m.closed {
		C.free(p)
		m.held -= int64(size)
		return
	}
	m.free[class] = append(m.free[class], p)
}

// close gives the free lists back to the system, and from now on every block.
func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, list := range m.free {
		for _, p := range list {
			C.free(p)
		}
	}
	m.free = map[int][]unsafe.Pointer{}
}

// Alloc returns a zeroed buffer. It is freed at the latest when the garbage
// collector finds it unreachable.
func (e *Engine) Alloc(dt compute.DType, n int) compute.Buffer {
	b := e.raw(dt, n)
	C.tl_zero(b.ptr, C.size_t(n*dt.Size()))
	runtime.SetFinalizer(b, func(b *buffer) { e.Free(b) })
	return b
}

// AllocLazy implements compute.LazyEngine.
func (e *Engine) AllocLazy(dt compute.DType, n int, fill func(dst any)) compute.Buffer {
	b := &buffer{n: n, dt: dt, lazy: &lazy{e: e, fill: fill}}
	runtime.SetFinalizer(b, func(b *buffer) { e.Free(b) })
	return b
}

// AllocRaw returns a buffer with arbitrary contents, to be given back with Free.
func (e *Engine) AllocRaw(dt compute.DType, n int) compute.Buffer { return e.raw(dt, n) }

func (e *Engine) raw(dt compute.DType, n int) *buffer {
	p, class := e.mem.get(n * dt.Size())
	return &buffer{ptr: p, n: n, dt: dt, class: class}
}

// Free gives a buffer back for reuse; freeing twice does nothing.
func (e *Engine) Free(x compute.Buffer) {
	b, ok := x.(*buffer)
	if !ok || b == nil {
		return
	}
	if b.lazy != nil {
		b.lazy.once.Do(func() {}) // one that was never used is not filled any more
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

// BlockBytes implements compute.Blocks.
func (e *Engine) BlockBytes(n int) int {
	_, size := sizeClass(n)
	return size
}

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
