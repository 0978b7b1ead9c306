package bench

import (
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// Precisions of the arithmetic and the weights.
const (
	F32  = "f32"
	BF16 = "bf16"
	NF4  = "nf4" // of generation: linear layers in 4 bits, arithmetic in f32
)

// openEngine makes the engine that computes in a precision. This is the one
// place where a precision meets the engine.
func openEngine(precision string, threads int) (*cpu.Engine, error) {
	arithmetic := precision
	if precision == NF4 {
		arithmetic = F32
	}
	e, err := compute.OpenPrecise("cpu", arithmetic, threads)
	if err != nil {
		return nil, err
	}
	return e.(*cpu.Engine), nil
}
