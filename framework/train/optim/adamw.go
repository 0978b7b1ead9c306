package optim

import (
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Config holds the hyper-parameters of AdamW. A zero Beta1, Beta2 or Eps means
// its default.
type Config struct {
	Beta1       float64 // 0.9
	Beta2       float64 // 0.999
	Eps         float64 // 1e-8
	WeightDecay float64 // 0; decoupled, times the rate
}

func (c Config) defaults() Config {
	if c.Beta1 == 0 {
		c.Beta1 = 0.9
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.999
	}
	if c.Eps == 0 {
		c.Eps = 1e-8
	}
	return c
}

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019,
// arXiv:1711.05101), with the order of operations of torch.optim.AdamW. The
// update is one fused kernel for each parameter.
type AdamW struct {
	cfg    Config
	params []*autograd.Param
	m, v   []*compute.Tensor
	step   int
	decay  func(p *autograd.Param) bool
}

// NewAdamW prepares the moments of the trainable parameters among params, in
// their order.
func NewAdamW(params []*autograd.Param, cfg Config) *AdamW {
	o := &AdamW{cfg: cfg.defaults()}
	for _, p := range params {
		if !p.Trainable {
			continue
		}
		o.params = append(o.params, p)
		o.m = append(o.m, compute.NewTensor(p.Engine(), compute.F32, p.Shape()...))
		o.v = append(o.v, compute.NewTensor(p.Engine(), compute.F32, p.Shape()...))
	}
	return o
}

// DecayOnly limits weight decay to the parameters for which keep is true, such
// as matrices but not norms and biases.
func (o *AdamW) DecayOnly(keep func(p *autograd.Param) bool) { o.decay = keep }

// Params are the parameters that are updated.
func (o *AdamW) Params() []*autograd.Param { return o.params }

// Steps is the number of updates done.
func (o *AdamW) Steps() int { return o.step }

// Step updates the parameters with learning rate lr and gradients scaled by
// gradScale (1, or 1/n to average n accumulated batches). Parameters without a
// gradient are left alone, as torch does.
func (o *AdamW) Step(lr, gradScale float64) error {
	o.step++
	c := o.cfg
	c1 := 1 - math.Pow(c.Beta1, float64(o.step))
	c2 := 1 - math.Pow(c.Beta2, float64(o.step))
	var a compute.Args
	for i, p := range o.params {
		if p.Grad == nil {
			continue
		}
		wd := c.WeightDecay
		if o.decay != nil && !o.decay(p) {
			wd = 0
		}
		a.Buf[0], a.Buf[1], a.Buf[2], a.Buf[3] = p.T.Buf, p.Grad.Buf, o.m[i].Buf, o.v[i].Buf
		a.Int[0] = int64(p.Len())
		a.Float = [compute.MaxFloats]float64{lr, c.Beta1, c.Beta2, c.Eps, wd, c1, c2, gradScale}
		if err := compute.Run(p.Engine(), compute.AdamW, &a); err != nil {
			return fmt.Errorf("optim: AdamW step %d of %q: %w", o.step, p.Name, err)
		}
	}
	return nil
}

// Idle names the parameters that have had no gradient in any step so far: all
// their moments are zero.
func (o *AdamW) Idle() []string {
	moved := func(t *compute.Tensor, p *autograd.Param) bool {
		return slices.ContainsFunc(t.Floats(p.Engine()), func(v float32) bool { return v != 0 })
	}
	var out []string
	for i, p := range o.params {
		if !moved(o.m[i], p) && !moved(o.v[i], p) {
			out = append(out, p.Name)
		}
	}
	return out
}

// State is what a resumed run needs for the same bits.
type State struct {
	Step int
	M, V map[string][]float32 // first and second moments by parameter name
}

// Export copies the state to the host.
func (o *AdamW) Export() State {
	s := State{Step: o.step, M: map[string][]float32{}, V: map[string][]float32{}}
	for i, p := range o.params {
		s.M[p.Name], s.V[p.Name] = o.m[i].Floats(p.Engine()), o.v[i].Floats(p.Engine())
	}
	return s
}

// Moments give copies of a parameter's moments when they are called.
func (o *AdamW) Moments(p *autograd.Param) (m, v func() []float32) {
	i := slices.Index(o.params, p)
	return func() []float32 { return o.m[i].Floats(p.Engine()) }, func() []float32 { return o.v[i].Floats(p.Engine()) }
}

// Import restores an exported state; the parameters must have the same names and sizes.
func (o *AdamW) Import(s State) error {
	for _, p := range o.params {
		for _, part := range []struct {
			name string
			data map[string][]float32
		}{{"first moment", s.M}, {"second moment", s.V}} {
			if d, ok := part.data[p.Name]; !ok || len(d) != p.Len() {
				return fmt.Errorf("optim: the saved %s of %q has %d elements, the parameter %d: the state belongs to another model or adapter", part.name, p.Name, len(d), p.Len())
			}
		}
	}
	if len(s.M) != len(o.params) || len(s.V) != len(o.params) {
		return fmt.Errorf("optim: the saved state has %d parameters, the model trains %d", len(s.M), len(o.params))
	}
	for i, p := range o.params {
		p.Engine().Upload(o.m[i].Buf, s.M[p.Name])
		p.Engine().Upload(o.v[i].Buf, s.V[p.Name])
	}
	o.step = s.Step
	return nil
}

// Free gives the moments' memory back.
func (o *AdamW) Free() {
	for i, p := range o.params {
		p.Engine().Free(o.m[i].Buf)
		p.Engine().Free(o.v[i].Buf)
	}
	o.params, o.m, o.v = nil, nil, nil
}

// ZeroGrad clears the gradients of params.
func ZeroGrad(params []*autograd.Param) {
	for _, p := range params {
		p.ZeroGrad()
	}
}
