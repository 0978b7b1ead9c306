package cpu

import (
	"sync"
	"unsafe"

	"github.com/tunelab/tunelab/framework/compute"
)

var (
	registeredMu sync.Mutex
	registered   = map[string]compute.Kernel{}
)

// Register adds the kernel of an op that was registered outside this module with
// compute.RegisterOp, for engines that are opened afterwards; call it from an
// init function. The kernel gets at memory with Floats, and may hand the address
// to C.
func Register(op string, k compute.Kernel) {
	registeredMu.Lock()
	defer registeredMu.Unlock()
	registered[op] = k
}

func addRegistered(to map[string]compute.Kernel) {
	registeredMu.Lock()
	defer registeredMu.Unlock()
	for op, k := range registered {
		to[op] = k
	}
}

// Floats is the memory of an F32 buffer of this engine: live, not a copy; nil
// for a nil buffer.
func Floats(b compute.Buffer) []float32 {
	if b == nil {
		return nil
	}
	m := b.(*buffer)
	return unsafe.Slice((*float32)(m.memory()), m.n)
}
