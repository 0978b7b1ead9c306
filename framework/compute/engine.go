package compute

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Kernel computes one op. The arguments have been checked by [Run].
type Kernel func(a *Args)

// Engine owns memory and kernels. Engines are safe for concurrent use; kernel
// calls of one engine run one after the other.
type Engine interface {
	// Name is what Open was given, such as "cpu".
	Name() string
	// Features says what the engine found and uses, such as "avx512 f32".
	Features() string
	// Threads is the number of threads kernels may use. Results never depend on it.
	Threads() int

	// Alloc returns a zeroed buffer of n elements, reusing freed memory. It
	// panics with a *MemoryError where there is none.
	Alloc(dt DType, n int) Buffer
	// AllocRaw is Alloc without the zeros, for outputs that are overwritten.
	AllocRaw(dt DType, n int) Buffer
	// Free gives a buffer back; using it afterwards is an error of the caller.
	Free(b Buffer)

	// Upload copies a []float32, []int32 or []uint8 of b's dtype and length into b.
	Upload(b Buffer, src any)
	// Download copies b into a []float32, []int32 or []uint8 of its dtype and length.
	Download(dst any, b Buffer)

	// Kernel returns the kernel of an op, or false.
	Kernel(op string) (Kernel, bool)

	// Memo returns the value stored under key, building it at the first call.
	// It keeps constant tables (rotary angles, code books) on the engine.
	Memo(key string, build func() any) any
}

// LazyEngine is an engine whose buffers can wait for their contents.
type LazyEngine interface {
	Engine
	// AllocLazy returns a buffer of n elements that takes no memory until it is
	// first used; fill then writes all of it to a []float32, []int32 or []uint8.
	// What fill reads must stay as it is until then. Where there is no memory, or
	// fill fails, the use panics with a *MemoryError or a *FillError, and the next
	// one tries again.
	AllocLazy(dt DType, n int, fill func(dst any) error) Buffer
}

// MissingOpError says that an engine has no kernel for an op.
type MissingOpError struct{ Engine, Op string }

func (e *MissingOpError) Error() string {
	return fmt.Sprintf("engine %q has no kernel for op %q: use the ref engine, or add the kernel (recipe in framework/compute/doc.go)", e.Engine, e.Op)
}

// SizeError says that a buffer does not have the length or dtype asked for.
type SizeError struct {
	Op, Arg  string
	Want     int
	Got      int
	WantType DType
	GotType  DType
}

func (e *SizeError) Error() string {
	if e.WantType != e.GotType {
		return fmt.Sprintf("%s: %s must be %s, got %s", e.Op, e.Arg, e.WantType, e.GotType)
	}
	return fmt.Sprintf("%s: %s must have %d elements, got %d", e.Op, e.Arg, e.Want, e.Got)
}

// Factory makes an engine; threads <= 0 means all cores.
type Factory func(threads int) (Engine, error)

var (
	factoryMu sync.Mutex
	factories = map[string]Factory{}
)

// Register makes an engine available to Open; engines call it from init.
func Register(name string, f Factory) {
	factoryMu.Lock()
	defer factoryMu.Unlock()
	factories[name] = f
}

// Close gives back the threads and memory that an engine holds, where it holds
// any; it must not be used afterwards.
func Close(e Engine) {
	if c, ok := e.(interface{ Close() }); ok {
		c.Close()
	}
}

// Engines lists the registered names, sorted.
func Engines() []string {
	factoryMu.Lock()
	defer factoryMu.Unlock()
	var names []string
	for n := range factories {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Open makes the engine called name ("ref", "cpu") with the given number of
// threads; threads <= 0 means all cores.
func Open(name string, threads int) (Engine, error) {
	factoryMu.Lock()
	f, ok := factories[name]
	factoryMu.Unlock()
	if !ok {
		return nil, fmt.Errorf("compute: no engine %q; this program has: %s (import the engine's package to add it)", name, strings.Join(Engines(), ", "))
	}
	e, err := f(threads)
	if err != nil {
		return nil, fmt.Errorf("compute: open engine %q: %w", name, err)
	}
	return e, nil
}
