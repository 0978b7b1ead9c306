package cpu

/*
#cgo CFLAGS: -std=c11 -O3 -Wall -Wno-unknown-pragmas -Wno-unused-function
#cgo LDFLAGS: -lm -lpthread
#include <stdlib.h>
#include "tl.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/tunelab/tunelab/framework/compute"
)

func init() {
	compute.Register("cpu", func(threads int) (compute.Engine, error) { return New(threads, os.Getenv("TUNELAB_CPU")) })
}

// parallelWork is the cost, in FLOPs plus bytes, from which a call is worth
// waking the other threads.
const parallelWork = 400_000

// Engine runs kernels on the processor.
type Engine struct {
	isa       string
	precision string
	threads   int
	mem       memory
	kernels   map[string]compute.Kernel

	mu   sync.Mutex // one kernel call at a time
	pool *C.tl_pool
	args *C.tl_args

	parallel int64 // cost of a call from which threads are used: parallelWork

	memoMu sync.Mutex
	memo   map[string]any
}

var (
	_ compute.LazyEngine = (*Engine)(nil)
	_ compute.Mixed      = (*Engine)(nil)
)

// ISAs lists the instruction sets that this machine can run, the best last:
// "portable", "avx2", "avx512" and "amx", which is avx512 with products in bf16
// on the tile unit.
func ISAs() []string {
	list := []string{"portable"}
	if C.tl_has_avx2() != 0 {
		list = append(list, "avx2")
	}
	if C.tl_has_avx512() != 0 {
		list = append(list, "avx512")
	}
	if C.tl_has_amx() != 0 && amxIsExact() {
		list = append(list, "amx")
	}
	return list
}

// New makes an engine with the given number of threads (0 or less: all cores)
// and instruction set ("": the best one here).
func New(threads int, isa string) (*Engine, error) {
	have := ISAs()
	if isa == "" {
		isa = have[len(have)-1]
	}
	known := false
	for _, h := range have {
		known = known || h == isa
	}
	if !known {
		return nil, fmt.Errorf("cpu: this machine does not run instruction set %q; it has %v (variable TUNELAB_CPU)", isa, have)
	}
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	return open(threads, isa)
}

// open makes an engine of an instruction set that the machine has.
func open(threads int, isa string) (*Engine, error) {
	e := &Engine{isa: isa, precision: compute.FullPrecision, threads: threads, parallel: parallelWork, memo: map[string]any{}, kernels: map[string]compute.Kernel{}}
	e.mem.free, e.mem.available = map[int][]unsafe.Pointer{}, available
	e.pool = C.tl_pool_new(C.int(threads))
	e.args = (*C.tl_args)(C.calloc(1, C.sizeof_tl_args))
	if e.pool == nil || e.args == nil {
		return nil, fmt.Errorf("cpu: could not start %d threads", threads)
	}
	if isa == "amx" {
		C.tl_amx_set(e.pool, 1)
	}
	set := C.CString(isa)
	defer C.free(unsafe.Pointer(set))
	for k := C.tl_table(set); k.name != nil; k = (*C.tl_kernel)(unsafe.Add(unsafe.Pointer(k), unsafe.Sizeof(*k))) {
		name := C.GoString(k.name)
		op, ok := compute.LookupOp(name)
		if !ok {
			return nil, fmt.Errorf("cpu: kernel %q has no op record", name)
		}
		e.kernels[name] = e.kernel(op, k.fn)
	}
	addRegistered(e.kernels)
	return e, nil
}

// Close stops the threads and gives freed memory back to the system; the engine
// must not be used afterwards.
func (e *Engine) Close() {
	e.mem.close()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pool != nil {
		C.tl_pool_free(e.pool)
		C.free(unsafe.Pointer(e.args))
		e.pool, e.args = nil, nil
	}
}

// Name is "cpu".
func (e *Engine) Name() string { return "cpu" }

// Features names the instruction set in use and the precision of products.
func (e *Engine) Features() string { return e.isa + " " + e.precision }

// Precision implements compute.Mixed.
func (e *Engine) Precision() string { return e.precision }

// SetPrecision implements compute.Mixed.
func (e *Engine) SetPrecision(p string) error {
	if p != compute.FullPrecision && p != compute.BF16Precision {
		return fmt.Errorf("precision: %q is none; use %s or %s", p, compute.FullPrecision, compute.BF16Precision)
	}
	e.precision = p
	return nil
}

// Threads is the number of threads that kernels may use.
func (e *Engine) Threads() int { return e.threads }

// Kernel finds the kernel of an op.
func (e *Engine) Kernel(op string) (compute.Kernel, bool) {
	k, ok := e.kernels[op]
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

// kernel wraps a C kernel: it fills the argument record, which is C memory, and
// picks one thread for small work. That choice never changes a result.
func (e *Engine) kernel(op *compute.Op, fn C.tl_fn) compute.Kernel {
	serial := op == compute.Sum
	return func(a *compute.Args) {
		threads := 1
		if !serial && e.threads > 1 && op.Work(&a.Int)+op.Bytes(&a.Int) >= e.parallel {
			threads = e.threads
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.pool == nil {
			panic("cpu: the engine was closed")
		}
		for k := range op.Bufs {
			e.args.buf[k] = nil
			if x := a.Buf[k]; x != nil {
				b := x.(*buffer)
				p := b.memory()
				if p == nil {
					panic(&compute.SizeError{Op: op.Name, Arg: op.Bufs[k].Name + " (a buffer that was already freed)", Want: b.n, WantType: b.dt, GotType: b.dt})
				}
				e.args.buf[k] = p
			}
		}
		for k := range op.Ints {
			e.args.i[k] = C.int64_t(a.Int[k])
		}
		for k := range op.Floats {
			e.args.f[k] = C.double(a.Float[k])
		}
		C.tl_run(e.pool, fn, e.args, C.int(threads))
		runtime.KeepAlive(a)
	}
}
