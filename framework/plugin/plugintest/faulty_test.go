package plugintest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// lora is LoRA on q_proj, wrong in the way that it is named for.
type lora struct{ fault string }

func (l lora) Describe() spec.Method {
	return spec.Method{Name: "mine", Version: "1.0.0", Family: "peft", Tasks: []string{spec.Instruction}}
}

func (lora) Schema() spec.Schema { return spec.Schema{} }

func (l lora) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	a, err := tune.AttachLoRA(m, peft.Config{Rank: 2, Alpha: 4, Targets: []string{"q_proj"}}, r.RNG)
	if err != nil {
		return nil, err
	}
	layers, err := peft.Match(m, []string{"q_proj"})
	switch l.fault {
	case "half":
		for _, x := range layers {
			x.Adapt = half{x.Adapt}
		}
	case "subtracts":
		return &subtracting{LoRA: a, layers: layers}, err
	case "none":
		return nothing{a}, err
	}
	return a, err
}

func (lora) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := peft.Load(m, dir)
	return m, err
}

// half gives back half of the gradient of what the adapter adds.
type half struct{ model.Adapter }

func (h half) Apply(t *autograd.Tape, x, y *autograd.Var, lin *model.Linear) *autograd.Var {
	out := h.Adapter.Apply(t, x, y, lin)
	return t.Custom("half", out.Shape(), out.Value(), []*autograd.Var{out}, func(d []float32) [][]float32 {
		for i := range d {
			d[i] /= 2
		}
		return [][]float32{d}
	})
}

// subtracting merges in place and subtracts what it had added.
type subtracting struct {
	*tune.LoRA
	layers []*model.Linear
	added  [][]float32
}

func (s *subtracting) Merge() error {
	var before [][]float32
	for _, l := range s.layers {
		before = append(before, l.W.Data())
	}
	if err := s.LoRA.Merge(); err != nil {
		return err
	}
	s.added = nil
	for i, l := range s.layers {
		d := l.W.Data()
		for j := range d {
			d[j] -= before[i][j]
		}
		s.added = append(s.added, d)
	}
	return nil
}

func (s *subtracting) Unmerge() {
	var merged [][]float32
	for _, l := range s.layers {
		merged = append(merged, l.W.Data())
	}
	s.LoRA.Unmerge()
	for i, l := range s.layers {
		for j := range merged[i] {
			merged[i][j] -= s.added[i][j]
		}
		l.W.Set(merged[i])
	}
}

// nothing trains no parameter.
type nothing struct{ *tune.LoRA }

func (nothing) Params() []*autograd.Param { return nil }

// leaking starts a goroutine that waits for ever.
type leaking struct{ sdk.Method }

func (l leaking) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	go func() { select {} }()
	return l.Method.Run(ctx, in, out)
}

func TestEachFaultIsCaughtByItsCheck(t *testing.T) {
	sound := func() sdk.Method { return tune.Method(lora{}) }
	for name, err := range map[string]error{
		"gradients": gradients(t, lora{}, nil), "unmerge-weights": unmerges(t, lora{}, nil), "goroutines": goroutines(t, sound, nil),
	} {
		if err != nil {
			t.Errorf("%s of a sound adapter: %v", name, err)
		}
	}
	if err := gradients(t, lora{"none"}, nil); !conformance.IsInapplicable(err) {
		t.Errorf("gradients of an adapter that trains nothing: %v", err)
	}
	caught := 0
	faults := []struct {
		check, says string
		err         error
	}{
		{"gradients", "the loss rises by", gradients(t, lora{"half"}, nil)},
		{"unmerge-weights", "q_proj.weight is another", unmerges(t, lora{"subtracts"}, nil)},
		{"goroutines", "plugintest.leaking.Run", goroutines(t, func() sdk.Method { return leaking{sound()} }, nil)},
	}
	for _, f := range faults {
		if f.err == nil || conformance.IsInapplicable(f.err) || !strings.Contains(f.err.Error(), f.says) {
			t.Errorf("%s: got %v, expected %q", f.check, f.err, f.says)
			continue
		}
		caught++
	}
	testplugins.Tell(t, fmt.Sprintf("plugintest: %d of %d faults inside the process caught", caught, len(faults)))
}

// What is found inside the process stands in the report.
func TestReportHoldsWhatWasFoundInside(t *testing.T) {
	o := conformance.Options{Binary: os.DevNull, Inside: map[string]error{"goroutines": fmt.Errorf("one is left"), "gradients": conformance.DoesNotApply("none"), "unmerge-weights": nil}}
	r, err := conformance.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"goroutines": conformance.Fail, "gradients": conformance.NotApplicable, "unmerge-weights": conformance.Pass}
	for _, x := range r.Results {
		if w := want[x.Check]; w != "" && x.Outcome != w {
			t.Errorf("%s: %+v, expected %s", x.Check, x, w)
		}
	}
	o.Inside = map[string]error{"no-such": nil}
	if _, err := conformance.Run(t.Context(), o); err == nil {
		t.Error("a check that does not exist was taken")
	}
}
