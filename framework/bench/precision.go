package bench

import (
	"fmt"

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
	switch precision {
	case F32, NF4:
	case BF16:
		return nil, fmt.Errorf("precision: the cpu engine has no bf16 arithmetic yet; use %s", F32)
	default:
		return nil, fmt.Errorf("precision: %q is none; use %s or %s", precision, F32, BF16)
	}
	e, err := compute.Open("cpu", threads)
	if err != nil {
		return nil, err
	}
	return e.(*cpu.Engine), nil
}
