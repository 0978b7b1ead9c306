package compute

import "sync"

// Rehearsal stands in front of an engine. At first it hands everything on; from
// Begin on it computes nothing: new buffers take no memory and kernels do not
// run, but both are counted. A program that Begin finds between two steps then
// shows at little cost what it would need: its memory, and the calls it would
// make. Costs depend on shapes alone; for a program whose shapes follow from its
// numbers, note that Download gives 1 for a single number and else zeros.
type Rehearsal struct {
	Engine

	mu       sync.Mutex
	on       bool
	kernels  map[string]Kernel
	blocks   map[Buffer]*block // of buffers of the engine; nil: one that waits for its first use
	free     map[int][]*block  // by size
	resident int64
	host     int64
	calls    map[callKey]*Calls
	made     int64
	times    int64
}

// block is memory that buffers of one size take in turn.
type block struct {
	size    int
	touched int // bytes that a buffer in it has had
}

// rehearsed is a buffer without memory.
type rehearsed struct {
	dt DType
	n  int
	at *block // nil after Free
}

func (b *rehearsed) DType() DType { return b.dt }
func (b *rehearsed) Len() int     { return b.n }

// Blocks is an engine that keeps freed memory for buffers that take as much.
type Blocks interface {
	// BlockBytes is how much a buffer of n bytes takes.
	BlockBytes(n int) int
}

// NewRehearsal stands in front of e.
func NewRehearsal(e Engine) *Rehearsal {
	return &Rehearsal{Engine: e, kernels: map[string]Kernel{}, blocks: map[Buffer]*block{}, free: map[int][]*block{}, calls: map[callKey]*Calls{}, times: 1}
}

var (
	_ LazyEngine = (*Rehearsal)(nil)
	_ Mixed      = (*Rehearsal)(nil)
)

// Begin stops computing.
func (r *Rehearsal) Begin() { r.locked(func() { r.on = true }) }

// Resident is the memory of all buffers so far, in bytes, with what was freed
// and is kept for others.
func (r *Rehearsal) Resident() (bytes int64) {
	r.locked(func() { bytes = r.resident })
	return bytes
}

// HostBytes is the largest copy that was asked for by Download.
func (r *Rehearsal) HostBytes() (bytes int64) {
	r.locked(func() { bytes = r.host })
	return bytes
}

// Repeat makes each call from now on count n times.
func (r *Rehearsal) Repeat(n int) { r.locked(func() { r.times = int64(n) }) }

// Made is how many calls there were since Begin.
func (r *Rehearsal) Made() (n int64) {
	r.locked(func() { n = r.made })
	return n
}

// Precision implements Mixed.
func (r *Rehearsal) Precision() string { return Precision(r.Engine) }

// SetPrecision implements Mixed.
func (r *Rehearsal) SetPrecision(p string) error { return SetPrecision(r.Engine, p) }

// Alloc implements Engine.
func (r *Rehearsal) Alloc(dt DType, n int) Buffer { return r.alloc(dt, n, r.Engine.Alloc) }

// AllocRaw implements Engine.
func (r *Rehearsal) AllocRaw(dt DType, n int) Buffer { return r.alloc(dt, n, r.Engine.AllocRaw) }

func (r *Rehearsal) alloc(dt DType, n int, real func(dt DType, n int) Buffer) (b Buffer) {
	r.locked(func() {
		at := r.take(n * dt.Size())
		if r.on {
			b = &rehearsed{dt, n, at}
			return
		}
		b = real(dt, n)
		r.blocks[b] = at
	})
	return b
}

// AllocLazy implements LazyEngine.
func (r *Rehearsal) AllocLazy(dt DType, n int, fill func(dst any) error) (b Buffer) {
	r.locked(func() {
		if l, ok := r.Engine.(LazyEngine); ok {
			b = l.AllocLazy(dt, n, fill)
			r.blocks[b] = nil
			return
		}
		var host any
		switch dt {
		case I32:
			host = make([]int32, n)
		case U8:
			host = make([]uint8, n)
		default:
			host = make([]float32, n)
		}
		if err := fill(host); err != nil {
			panic(&FillError{Err: err})
		}
		b = r.Engine.AllocRaw(dt, n)
		r.Engine.Upload(b, host)
		r.blocks[b] = r.take(n * dt.Size())
	})
	return b
}

// Free implements Engine.
func (r *Rehearsal) Free(b Buffer) {
	r.locked(func() {
		var at *block
		switch x := b.(type) {
		case nil:
			return
		case *rehearsed:
			at, x.at = x.at, nil
		default:
			at = r.blocks[b]
			delete(r.blocks, b)
			r.Engine.Free(b)
		}
		if at != nil {
			r.free[at.size] = append(r.free[at.size], at)
		}
	})
}

// Upload implements Engine.
func (r *Rehearsal) Upload(b Buffer, src any) {
	r.locked(func() {
		r.touch(b)
		if !r.on {
			r.Engine.Upload(b, src)
		}
	})
}

// Download implements Engine.
func (r *Rehearsal) Download(dst any, b Buffer) {
	r.locked(func() {
		r.touch(b)
		r.host = max(r.host, int64(b.Len()*b.DType().Size()))
		if !r.on {
			r.Engine.Download(dst, b)
			return
		}
		switch x := dst.(type) {
		case []float32:
			ones(x)
		case []int32:
			ones(x)
		case []uint8:
			ones(x)
		}
	})
}

// ones makes a single number 1, and else zeros.
func ones[T float32 | int32 | uint8](x []T) {
	if clear(x); len(x) == 1 {
		x[0] = 1
	}
}

// Kernel implements Engine.
func (r *Rehearsal) Kernel(name string) (Kernel, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.kernels[name]; ok {
		return k, true
	}
	real, ok := r.Engine.Kernel(name)
	if !ok {
		return nil, false
	}
	op, _ := LookupOp(name)
	k := func(a *Args) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, b := range a.Buf[:len(op.Bufs)] {
			if b != nil {
				r.touch(b)
			}
		}
		if r.on {
			r.count(op, &a.Int)
		} else {
			real(a)
		}
	}
	r.kernels[name] = k
	return k, true
}

// Close gives back what the engine holds.
func (r *Rehearsal) Close() { Close(r.Engine) }

func (r *Rehearsal) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// touch gives memory to a buffer that has waited for its first use.
func (r *Rehearsal) touch(b Buffer) {
	if at, ok := r.blocks[b]; ok && at == nil {
		r.blocks[b] = r.take(b.Len() * b.DType().Size())
	}
}

// take finds a block for n bytes.
func (r *Rehearsal) take(n int) *block {
	size := n
	if e, ok := r.Engine.(Blocks); ok {
		size = e.BlockBytes(n)
	}
	var at *block
	if list := r.free[size]; len(list) > 0 {
		at, r.free[size] = list[len(list)-1], list[:len(list)-1]
	} else {
		at = &block{size: size}
	}
	if n > at.touched {
		r.resident += int64(n - at.touched)
		at.touched = n
	}
	return at
}
