package tune

import (
	"context"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// processBytes is what a plugin's process takes beside the engine's memory and
// the largest tensors on the host.
const processBytes = 30 << 20

// rehearsedCalls bounds a rehearsal, to a second or two; the steps that are left
// of a longer run are taken to cost as much each.
const rehearsedCalls = 2_000_000

// Estimate attaches the adapter and then goes through the run without computing
// it (compute.Rehearsal): parameters and steps are exact, and FLOPs are but for
// runs of millions of kernel calls.
func (m *method) Estimate(ctx context.Context, in *sdk.Input) (e spec.Estimate, err error) {
	err = WithMemory(func() error {
		e, err = m.estimate(ctx, in)
		return err
	})
	return e, err
}

func (m *method) estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	real, err := engine(in.Spec.Compute)
	if err != nil {
		return spec.Estimate{}, err
	}
	r := compute.NewRehearsal(real)
	defer r.Close()
	tr, err := m.prepare(r, in, nil)
	if err != nil {
		return spec.Estimate{}, err
	}
	r.Begin()
	if err := tr.plan(); err != nil {
		return spec.Estimate{}, err
	}
	e := spec.Estimate{TotalParams: tr.paramCount()}
	for _, p := range tr.params {
		e.TrainableParams += int64(p.Len())
	}
	if e.MemoryBytes, err = tr.rehearse(ctx, r); err != nil {
		return spec.Estimate{}, err
	}
	e.Steps, e.FLOPs, e.Calls = int64(tr.total), tr.flops, Calls(r.Calls())
	if left := float64(tr.total) / float64(tr.step); left > 1 {
		e.FLOPs *= left
		for i := range e.Calls {
			e.Calls[i].N, e.Calls[i].Work = int64(float64(e.Calls[i].N)*left), e.Calls[i].Work*left
		}
	}
	return e, nil
}

// Calls are those of a rehearsal in an estimate.
func Calls(list []compute.Calls) (out []spec.Call) {
	for _, c := range list {
		out = append(out, spec.Call{Op: c.Op, Ints: c.Ints[:], N: c.N, Work: c.Work})
	}
	return out
}

// rehearse goes through the run. memory is the larger of training and of the
// check of what was saved, which loads a second model beside the first; on the
// host the largest tensor that is saved or evaluated counts twice, once as
// garbage.
func (tr *trainer) rehearse(ctx context.Context, r *compute.Rehearsal) (memory int64, err error) {
	attached := r.Resident()
	if err := tr.rehearseEvaluations(r, 0); err != nil { // for its memory, which training uses again
		return 0, err
	}
	check := r.Resident() + attached // the second model
	tr.optimise()
	for tr.step = 0; tr.step < tr.total && r.Made() < rehearsedCalls; tr.step++ {
		if tr.spent() {
			tr.total = tr.step
			break
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if _, _, _, err := tr.stepOnce(0); err != nil {
			return 0, err
		}
	}
	if err := tr.rehearseEvaluations(r, 1+(tr.step+tr.every()-1)/tr.every()); err != nil {
		return 0, err
	}
	for _, p := range tr.params {
		p.Data() // as saving does
	}
	return processBytes + 2*r.HostBytes() + max(r.Resident(), check), nil
}

// rehearseEvaluations goes through the validation split, n times as its calls count.
func (tr *trainer) rehearseEvaluations(r *compute.Rehearsal, n int) error {
	r.Repeat(n)
	defer r.Repeat(1)
	return tr.parts(tr.val, func([]float32, []int32) {})
}
