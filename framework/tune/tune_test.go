package tune_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// norms trains the last norm's gain alone, and keeps it in a file.
type norms struct {
	stray  bool // also claims a parameter that takes no part
	forget bool // restores the base
}

const gainFile = "gain.safetensors"

func (norms) Describe() spec.Method {
	return spec.Method{Name: "norms", Version: "0.0.1", Family: "peft"}
}
func (norms) Schema() spec.Schema { return spec.Schema{} }

func (n norms) Attach(m *model.Model, _ tune.Request) (tune.Attached, error) {
	for _, p := range m.Params() {
		p.Trainable = p.Name == "model.norm.weight"
	}
	a := gain{gainOf(m)}
	if n.stray {
		a = append(a, autograd.NewParam(m.Engine(), "stray", []int{2}, []float32{1, 1}))
	}
	return a, nil
}

func gainOf(m *model.Model) *autograd.Param {
	all := m.Params()
	return all[slices.IndexFunc(all, func(p *autograd.Param) bool { return p.Name == "model.norm.weight" })]
}

func (n norms) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	if n.forget {
		return m, nil
	}
	p := gainOf(m)
	x, err := checkpoint.ReadTensor(filepath.Join(dir, gainFile), p.Name, p.Shape())
	if err != nil {
		return nil, err
	}
	p.Set(x.Data)
	return m, nil
}

type gain []*autograd.Param

func (g gain) Params() []*autograd.Param { return g }
func (g gain) Save(dir string) error {
	return checkpoint.WriteSafetensors(filepath.Join(dir, gainFile), []checkpoint.Tensor{{Name: g[0].Name, Shape: g[0].Shape(), Data: g[0].Data()}}, nil)
}

// huge starts at weights for which the loss is not finite.
type huge struct{ norms }

func (h huge) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	gainOf(m).Set(slices.Repeat([]float32{math.MaxFloat32}, tunetest.Hidden))
	return h.norms.Attach(m, r)
}

func TestAnAdapterOfOneTensor(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for name, x := range map[string]tunetest.Case{
		"classify":   {Data: tunetest.Classification(), Trainable: 3 * tunetest.Hidden, Modes: []string{spec.ModeLabels}},
		"completion": {Data: tunetest.Completion(spec.Generation), Trainable: tunetest.Hidden, Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Folder, x.Falls, x.Params = folder, 0.95, map[string]any{"learning_rate": 5e-2} // 32 numbers learn little
			tunetest.Check(t, norms{}, x)
		})
	}
}

func TestTrainingThatIsNoneFailsTheRun(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	d := tunetest.Completion(spec.Generation)
	o := tunetest.Options{Params: map[string]any{"batch_size": 4}}
	for want, a := range map[string]norms{
		"trainable tensor stray has had no gradient in 5 steps":            {stray: true},
		"the saved result does not give the trained model's numbers: loss": {forget: true},
	} {
		if _, err := tunetest.TryRun(t, tune.Method(a), folder, d, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}

func TestDataThatTeachesNothingIsAnError(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	d := tunetest.Completion(spec.Generation)
	for i := range d.Train {
		d.Train[i].Answer = strings.Repeat("9 ", 2*tunetest.Context)
	}
	_, err := tunetest.TryRun(t, tune.Method(norms{}), folder, d, tunetest.Options{})
	if want := "task.answer: no supervised token in 24 training examples (24 dropped as too long, 0 without an answer)"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}

	path := filepath.Join(folder, "tokenizer_config.json")
	if err := os.WriteFile(path, []byte(`{"bos_token":"<s>"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(strings.Replace(string(config), `"eos_token_id": 2,`, "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = tunetest.TryRun(t, tune.Method(norms{}), folder, tunetest.Completion(spec.Generation), tunetest.Options{})
	if err == nil || !strings.Contains(err.Error(), "declares no end token") {
		t.Errorf("a tokenizer without an end token: %v", err)
	}
}

// Micro-batches make the gradient of the whole batch: the losses agree within
// the rounding of sums in another order.
func TestAccumulationIsTheBigBatch(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction)
	run := func(micro int) *tunetest.Record {
		return tunetest.Run(t, tune.Method(norms{}), folder, d, tunetest.Options{Params: map[string]any{"batch_size": 8, "accumulation": micro, "learning_rate": 1e-2}})
	}
	one, three := run(1), run(3)
	for i, p := range one.Metrics["train/loss"] {
		if q := three.Metrics["train/loss"][i]; q.Step != p.Step || q.Value < p.Value-1e-4 || q.Value > p.Value+1e-4 {
			t.Errorf("step %d: loss %g in one batch, %g in three", p.Step, p.Value, q.Value)
		}
	}
}
