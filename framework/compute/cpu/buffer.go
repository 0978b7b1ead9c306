package cpu

/*
#include <stdlib.h>
#include "tl.h"
*/
import "C"

import (
	"fmt"
	"math"
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
	mu   sync.Mutex
	e    *Engine
	fill func(dst []float32) error // nil: it is filled, or was freed
}

// memory is the buffer's address, filled; nil after Free.
func (b *buffer) memory() unsafe.Pointer {
	if l := b.lazy; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.fill != nil {
			p, class := l.e.get(b.n, b.dt)
			if err := l.fill(unsafe.Slice((*float32)(p), b.n)); err != nil {
				l.e.mem.put(p, class, b.n*b.dt.Size())
				panic(&compute.FillError{Err: err})
			}
			b.ptr, b.class, l.fill = p, class, nil
		}
	}
	return b.ptr
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

	available func() int64 // bytes that the machine can still give; -1: it doesn't say
}

// Of what the machine can give, some stays with the rest of it; blocks that are
// too small to matter are not asked about.
const (
	spared   = 64 << 20
	askAbout = 4 << 20
)

// sizeClass gives the class of a block of at least n bytes, and its bytes.
func sizeClass(n int) (class, size int) {
	if n <= 256 {
		return 0, 256
	}
	e := bits.Len(uint(n-1)) - 1 // 2^e < n <= 2^(e+1)
	step := (1 << e) / 4
	k := (n - 1<<e + step - 1) / step // 1 to 4
	class = (e-8)*4 + k
	return class, classSize(class)
}

func classSize(class int) int {
	if class == 0 {
		return 256
	}
	e, k := 8+(class-1)/4, (class-1)%4+1
	return 1<<e + k*(1<<e)/4
}

// get gives a block of at least n bytes, or a *compute.MemoryError. Systems
// promise more memory than there is and kill who uses it, so that a promise alone
// is not enough.
func (m *memory) get(n int) (p unsafe.Pointer, class int, err error) {
	class, size := sizeClass(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	if list := m.free[class]; len(list) > 0 {
		p = list[len(list)-1]
		m.free[class] = list[:len(list)-1]
		m.live += int64(size)
		return p, class, nil
	}
	p, have := m.fromSystem(size)
	if p == nil && m.trim() {
		p, have = m.fromSystem(size)
	}
	if p == nil {
		return nil, 0, &compute.MemoryError{Bytes: int64(n), InUse: m.live, Available: have}
	}
	m.live += int64(size)
	m.held += int64(size)
	return p, class, nil
}

// fromSystem is nil where there is no such block; available then says what there
// is, or -1.
func (m *memory) fromSystem(size int) (p unsafe.Pointer, available int64) {
	if size >= askAbout {
		if available = m.available(); available >= 0 && int64(size) > available-spared {
			return nil, available
		}
	}
	return C.tl_alloc(C.size_t(size)), -1
}

// trim gives the free lists back to the system and says whether there was
// anything in them.
func (m *memory) trim() (some bool) {
	for class, list := range m.free {
		for _, p := range list {
			C.free(p)
			m.held -= int64(classSize(class))
			some = true
		}
		delete(m.free, class)
	}
	return some
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
	m.trim()
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
func (e *Engine) AllocLazy(n int, fill func(dst []float32) error) compute.Buffer {
	b := &buffer{n: n, dt: compute.F32, lazy: &lazy{e: e, fill: fill}}
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
