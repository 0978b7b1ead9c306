package optim

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// GradNorm is the Euclidean norm of all gradients together. Chunks of 4096
// elements are summed on the engine and added in order in float64, so that the
// result does not depend on the number of threads.
func GradNorm(params []*autograd.Param) (float64, error) {
	var total float64
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		e, n := p.Engine(), p.Len()
		part := e.AllocRaw(compute.F32, (n+4095)/4096)
		err := compute.Call(e, compute.SumSquares, []compute.Buffer{p.Grad.Buf, part}, []int64{int64(n)}, nil)
		if err == nil {
			sums := make([]float32, part.Len())
			e.Download(sums, part)
			for _, s := range sums {
				total += float64(s)
			}
		}
		e.Free(part)
		if err != nil {
			return 0, fmt.Errorf("optim: gradient norm of %q: %w", p.Name, err)
		}
	}
	return math.Sqrt(total), nil
}

// ClipGradNorm returns the norm of all gradients before clipping and scales
// them by maxNorm / (norm + 1e-6) if that is below 1, as
// torch.nn.utils.clip_grad_norm_ does. maxNorm <= 0 only measures.
func ClipGradNorm(params []*autograd.Param, maxNorm float64) (norm float64, err error) {
	norm, err = GradNorm(params)
	if err != nil || maxNorm <= 0 {
		return norm, err
	}
	factor := maxNorm / (norm + 1e-6)
	if !(factor < 1) {
		return norm, nil
	}
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		b := p.Grad.Buf
		if err := compute.Call(p.Engine(), compute.Scale, []compute.Buffer{b, b}, []int64{int64(p.Len())}, []float64{factor, 0}); err != nil {
			return norm, fmt.Errorf("optim: clip %q: %w", p.Name, err)
		}
	}
	return norm, nil
}
