package compute

import (
	"fmt"
	"sync"
)

// Limits of one call.
const (
	MaxBufs   = 12
	MaxInts   = 12
	MaxFloats = 8
)

// Args are the arguments of one kernel call, in the order of the op's record.
// A nil buffer stands for an optional argument that is not given.
type Args struct {
	Buf   [MaxBufs]Buffer
	Int   [MaxInts]int64
	Float [MaxFloats]float64
}

// Dir says what a kernel does with a buffer.
type Dir uint8

// Directions of an argument. Optional may be added to any of them: the buffer
// may be nil, and then that input counts as absent or that output is skipped.
const (
	In       Dir = 1
	Out      Dir = 2 // overwritten
	InOut    Dir = 3 // read and written; gradient outputs accumulate (+=)
	Optional Dir = 4
)

// Arg describes one buffer of an op.
type Arg struct {
	Name string
	Type DType
	Dir  Dir
}

// Op is the record of one operation.
type Op struct {
	Name   string
	Doc    string
	Bufs   []Arg
	Ints   []string
	Floats []string
	// Sizes is the shape rule: it sets n[k] to the number of elements that
	// buffer k must have, given the integer arguments.
	Sizes func(i *[MaxInts]int64, n *[MaxBufs]int64)
	// Work is the arithmetic of one call in floating-point operations (an FMA is
	// two, a transcendental counts as its polynomial's length, about 10).
	Work func(i *[MaxInts]int64) int64
	// AtLeast allows buffers longer than the rule says (caches, tables).
	AtLeast bool
}

// FLOPs is the arithmetic of one call with these integer arguments.
func (o *Op) FLOPs(i *[MaxInts]int64) int64 { return o.Work(i) }

// Bytes is the memory traffic of one call: every buffer read or written once,
// accumulated buffers twice.
func (o *Op) Bytes(i *[MaxInts]int64) int64 {
	var n [MaxBufs]int64
	o.Sizes(i, &n)
	var total int64
	for k, b := range o.Bufs {
		w := n[k] * int64(b.Type.Size())
		if b.Dir&InOut == InOut {
			w *= 2
		}
		total += w
	}
	return total
}

// Check applies the shape rule to a call.
func (o *Op) Check(a *Args) error {
	var need [MaxBufs]int64
	o.Sizes(&a.Int, &need)
	for k := range o.Bufs {
		spec := &o.Bufs[k]
		b := a.Buf[k]
		if b == nil {
			if spec.Dir&Optional == 0 {
				return fmt.Errorf("%s: argument %s is missing", o.Name, spec.Name)
			}
			continue
		}
		if b.DType() != spec.Type || int64(b.Len()) < need[k] || (!o.AtLeast && int64(b.Len()) != need[k]) {
			return &SizeError{Op: o.Name, Arg: spec.Name, Want: int(need[k]), Got: b.Len(), WantType: spec.Type, GotType: b.DType()}
		}
	}
	return nil
}

// Run checks the call and runs the engine's kernel.
func Run(e Engine, o *Op, a *Args) error {
	if err := o.Check(a); err != nil {
		return err
	}
	k, ok := e.Kernel(o.Name)
	if !ok {
		return &MissingOpError{Engine: e.Name(), Op: o.Name}
	}
	k(a)
	return nil
}

// Call is Run with the arguments as lists.
func Call(e Engine, o *Op, bufs []Buffer, ints []int64, floats []float64) error {
	var a Args
	copy(a.Buf[:], bufs)
	copy(a.Int[:], ints)
	copy(a.Float[:], floats)
	return Run(e, o, &a)
}

var (
	opMu    sync.RWMutex
	opList  []*Op
	opIndex = map[string]*Op{}
)

// RegisterOp adds an op to the table; it panics if the name is taken or the
// record is incomplete, which is a mistake in the program.
func RegisterOp(o Op) *Op {
	opMu.Lock()
	defer opMu.Unlock()
	if o.Name == "" || o.Doc == "" || o.Sizes == nil || o.Work == nil || len(o.Bufs) == 0 {
		panic(fmt.Sprintf("compute: op %q needs a name, a doc, buffers, a shape rule and a cost", o.Name))
	}
	if len(o.Bufs) > MaxBufs || len(o.Ints) > MaxInts || len(o.Floats) > MaxFloats {
		panic(fmt.Sprintf("compute: op %q has too many arguments", o.Name))
	}
	if opIndex[o.Name] != nil {
		panic(fmt.Sprintf("compute: op %q is registered twice", o.Name))
	}
	p := &o
	opIndex[o.Name] = p
	opList = append(opList, p)
	return p
}

// Ops lists the table in the order of registration.
func Ops() []*Op {
	opMu.RLock()
	defer opMu.RUnlock()
	return append([]*Op(nil), opList...)
}

// LookupOp finds an op by name.
func LookupOp(name string) (*Op, bool) {
	opMu.RLock()
	defer opMu.RUnlock()
	o, ok := opIndex[name]
	return o, ok
}
