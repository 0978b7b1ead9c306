package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// recorded is what torch's AdamW did to a tiny model, whole and with PEFT's
// LoRA (testdata/make_fixtures.py, training).
type recorded struct {
	Lines       [][]int
	Batch       int
	Decay, Clip float64
	Full, LoRA  struct {
		Rate      float64
		Losses    []float64
		GradNorms []float64 `json:"grad_norms"`
	}
	LoRALogits []float32 `json:"lora_logits"` // of the first line that expected.json has, before training
}

func open(t *testing.T, name string) (*model.Model, recorded) {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(filepath.Join(models(), name), e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(models(), name, "training.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return m, r
}

// models is testdata, or what a run of make_fixtures.py made.
func models() string {
	if dir := os.Getenv("TUNELAB_MODELS"); dir != "" {
		return dir
	}
	return "testdata"
}

func tinyModels(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(models(), "*", "training.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no models in %s: %v", models(), err)
	}
	var names []string
	for _, f := range found {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names
}

// step is one forward and backward pass: the mean loss of all next tokens.
func step(t *testing.T, m *model.Model, lines [][]int) float64 {
	t.Helper()
	tape := autograd.NewTape(m.Engine(), true)
	defer tape.Release()
	loss := m.NextTokenLoss(tape, model.Pack(lines...))
	tape.Backward(loss)
	return float64(loss.Scalar())
}

// follow trains as the record was made and gives the largest relative
// difference of a loss and of a gradient norm.
func follow(t *testing.T, m *model.Model, params []*autograd.Param, r recorded, rate float64, losses, norms []float64) (dl, dn float64) {
	t.Helper()
	opt := optim.NewAdamW(params, optim.Config{WeightDecay: r.Decay})
	opt.DecayOnly(func(p *autograd.Param) bool { return len(p.Shape()) > 1 })
	for k := range losses {
		var lines [][]int
		for i := range r.Batch {
			lines = append(lines, r.Lines[(k*r.Batch+i)%len(r.Lines)])
		}
		loss := step(t, m, lines)
		norm, err := optim.ClipGradNorm(params, r.Clip)
		if err == nil {
			err = opt.Step(rate, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range params {
			p.ZeroGrad()
		}
		dl = max(dl, math.Abs(loss/losses[k]-1))
		dn = max(dn, math.Abs(norm/norms[k]-1))
	}
	return dl, dn
}

func TestFullTrainingEqualsTorch(t *testing.T) {
	for _, name := range tinyModels(t) {
		t.Run(name, func(t *testing.T) {
			m, r := open(t, name)
			dl, dn := follow(t, m, m.Params(), r, r.Full.Rate, r.Full.Losses, r.Full.GradNorms)
			t.Logf("%d losses differ by %.2g, gradient norms by %.2g of themselves", len(r.Full.Losses), dl, dn)
			if !(dl <= 1e-4) || !(dn <= 1e-3) || len(r.Full.Losses) != 10 {
				t.Errorf("%d losses differ by %g, allowed 1e-4; gradient norms by %g, allowed 1e-3", len(r.Full.Losses), dl, dn)
			}
		})
	}
}

func TestLoRATrainingEqualsPEFT(t *testing.T) {
	for _, name := range tinyModels(t) {
		t.Run(name, func(t *testing.T) {
			m, r := open(t, name)
			l, err := peft.Load(m, filepath.Join(models(), name, "lora"))
			if err != nil {
				t.Fatal(err)
			}
			tape := autograd.NewTape(m.Engine(), false)
			dz := 0.0
			for i, v := range m.Logits(tape, m.Hidden(tape, model.Pack([]int{1, 5, 0, 33, 2, 60, 7, 7, 9}))).Value() {
				dz = max(dz, math.Abs(float64(v-r.LoRALogits[i])))
			}
			tape.Release()
			dl, dn := follow(t, m, l.Params(), r, r.LoRA.Rate, r.LoRA.Losses, r.LoRA.GradNorms)
			t.Logf("logits differ by %.2g; %d losses by %.2g, gradient norms by %.2g of themselves", dz, len(r.LoRA.Losses), dl, dn)
			if !(dz <= 2e-4) || !(dl <= 1e-4) || !(dn <= 1e-3) || len(r.LoRA.Losses) != 10 {
				t.Errorf("logits differ by %g, allowed 2e-4; %d losses by %g, allowed 1e-4; gradient norms by %g, allowed 1e-3", dz, len(r.LoRA.Losses), dl, dn)
			}
		})
	}
}

// Full training with all weights really moves all of them, up to those that
// have no effect in theory.
func TestTrainingReachesEveryWeight(t *testing.T) {
	for _, name := range tinyModels(t) {
		m, r := open(t, name)
		step(t, m, r.Lines)
		for _, p := range m.Params() {
			norm := 0.0
			for _, g := range p.GradData() {
				norm += float64(g) * float64(g)
			}
			if norm == 0 && !strings.HasSuffix(p.Name, "k_proj.bias") {
				t.Errorf("%s: %s gets no gradient", name, p.Name)
			}
		}
	}
}
