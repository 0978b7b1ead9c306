package peft_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// A training step that computes blocks again has the same loss and gradients,
// bit for bit, on every family, whole and with LoRA whose dropout must repeat,
// and needs less memory.
func TestGradientCheckpointing(t *testing.T) {
	folders, err := filepath.Glob("../../llm/*/testdata/*/config.json")
	if err != nil || len(folders) < 20 {
		t.Fatalf("%d models: %v", len(folders), err)
	}
	for _, f := range folders {
		dir := filepath.Dir(f)
		for _, lora := range []bool{false, true} {
			plain, plainPeak := checkpointingStep(t, dir, lora, false)
			again, peak := checkpointingStep(t, dir, lora, true)
			if !slices.EqualFunc(plain, again, slices.Equal) {
				t.Errorf("%s, lora %v: other gradients", dir, lora)
			}
			if peak >= plainPeak {
				t.Errorf("%s, lora %v: %d bytes with checkpointing, %d without", dir, lora, peak, plainPeak)
			}
		}
	}
}

// base is a decoder or an encoder.
type base interface {
	peft.Base
	GradientCheckpointing(on bool)
}

// checkpointingStep gives the loss and the gradients of a step, and the memory
// that the engine took for it.
func checkpointingStep(t *testing.T, dir string, lora, on bool) (out [][]float32, peak int64) {
	t.Helper()
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var b base
	var hidden func(t *autograd.Tape, ids []int32, lens []int) *autograd.Var
	if is, err := encoder.In(dir); err != nil {
		t.Fatal(err)
	} else if is {
		m, err := encoder.Load(dir, e, encoder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, hidden = m, func(t *autograd.Tape, ids []int32, lens []int) *autograd.Var {
			return m.Hidden(t, encoder.Batch{IDs: ids, SeqLens: lens})
		}
	} else {
		m, err := model.Load(dir, e, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, hidden = m, func(t *autograd.Tape, ids []int32, lens []int) *autograd.Var {
			return m.Hidden(t, model.Batch{IDs: ids, SeqLens: lens})
		}
	}
	params := b.Params()
	if lora {
		l, err := peft.Attach(b, peft.Config{Rank: 2, Alpha: 4, Dropout: 0.4, Targets: []string{peft.AllLinear}}, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		params = l.Params()
		for i, p := range params { // B is 0 at first
			p.Set(noise(p.Len(), i))
		}
		l.DropoutKey(7)
	}
	b.GradientCheckpointing(on)
	ids, lens := make([]int32, 96), []int{20, 11, 15, 20, 10, 20}
	for i := range ids {
		ids[i] = int32(5 + i%7)
	}
	pass := func() {
		tape := autograd.NewTape(e, true)
		defer tape.Release()
		loss := tape.Sum(tape.Tanh(hidden(tape, ids, lens)))
		tape.Backward(loss)
		out = [][]float32{{loss.Scalar()}}
	}
	for _, p := range b.Params() { // into memory, so that it is not counted
		p.Data()
	}
	before := e.Held()
	if err := autograd.Catch(pass); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	for _, p := range params {
		out = append(out, p.GradData())
	}
	return out, e.Held() - before
}

func noise(n, seed int) []float32 {
	r, x := rand.New(rand.NewPCG(uint64(seed), 3)), make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64()) * 0.1
	}
	return x
}
