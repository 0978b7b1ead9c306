package peft

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// recorded is what PEFT and transformers computed with an adapter of testdata
// (testdata/make_fixtures.py).
type recorded struct {
	Base     string // model of framework/llm/model/testdata
	Seqs     [][]int
	Logits   [][]float32
	Training *struct {
		Lines             [][]int
		Batch             int
		Rate, Decay, Clip float64
		Losses            []float64
		GradNorms         []float64 `json:"grad_norms"`
	}
}

// walkFixtures loads each adapter of testdata on its model.
func walkFixtures(t *testing.T, f func(t *testing.T, dir string, x recorded, m *model.Model, l *LoRA, score *autograd.Param)) {
	found, err := filepath.Glob("testdata/*/" + ConfigFile)
	if err != nil || len(found) != 16 {
		t.Fatalf("%d adapters in testdata, expected 16 (%v)", len(found), err)
	}
	for _, file := range found {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var x recorded
			if err := json.Unmarshal([]byte(read(t, dir, "expected.json")), &x); err != nil {
				t.Fatal(err)
			}
			m := load(t, x.Base)
			var own []Own
			var score *autograd.Param
			if strings.Contains(read(t, dir, ConfigFile), `"SEQ_CLS"`) {
				score = autograd.NewParam(m.Engine(), "score.weight", []int{3, m.Config().HiddenSize}, nil)
				own = append(own, Own{[]string{"score"}, []*autograd.Param{score}})
			}
			l, err := Load(m, dir, own...)
			if err != nil {
				t.Fatal(err)
			}
			f(t, dir, x, m, l, score)
		})
	}
}

// outputs are the logits of sequences; with a label head those of each one's
// last token.
func outputs(t *testing.T, m *model.Model, score *autograd.Param, seqs [][]int) (out []float32) {
	t.Helper()
	if score == nil {
		out, err := logits(m, model.Pack(seqs...))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, s := range seqs {
		tape := autograd.NewTape(m.Engine(), false)
		last := tape.Rows(m.Hidden(tape, model.Pack(s)), []int32{int32(len(s) - 1)})
		out = append(out, tape.Linear(last, tape.Param(score), nil).Value()...)
		tape.Release()
	}
	return out
}

// Logits are near 5; the tolerance is 1e-5.
func TestLogitsEqualPEFT(t *testing.T) {
	walkFixtures(t, func(t *testing.T, dir string, x recorded, m *model.Model, l *LoRA, score *autograd.Param) {
		got := outputs(t, m, score, x.Seqs)
		var want []float32
		for _, v := range x.Logits {
			want = append(want, v...)
		}
		if d := difference(got, want); len(got) != len(want) || d > 1e-5 {
			t.Errorf("the largest difference of a logit is %g", d)
		}
		l.SetEnabled(false)
		if difference(outputs(t, m, score, x.Seqs), want) < 0.1 {
			t.Error("the adapter changes next to nothing")
		}
		l.SetEnabled(true)

		// What Save writes has the tensors that PEFT wrote.
		out := t.TempDir()
		if err := l.Save(out); err != nil {
			t.Fatal(err)
		}
		theirs, err := checkpoint.ReadSafetensors(filepath.Join(dir, WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := checkpoint.ReadSafetensors(filepath.Join(out, WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		kept := theirs[:0]
		for _, x := range theirs { // but for the base's own output layer
			if !strings.HasSuffix(x.Name, "lm_head.base_layer.weight") {
				kept = append(kept, x)
			}
		}
		if len(kept) != len(ours) {
			t.Fatalf("%d tensors, PEFT wrote %d", len(ours), len(kept))
		}
		for i := range kept {
			if kept[i].Name != ours[i].Name || difference(kept[i].Data, ours[i].Data) != 0 {
				t.Errorf("tensor %s, PEFT wrote %s", ours[i].Name, kept[i].Name)
			}
		}
	})
}

func TestTrainingEqualsPEFT(t *testing.T) {
	trained := 0
	walkFixtures(t, func(t *testing.T, _ string, x recorded, m *model.Model, l *LoRA, _ *autograd.Param) {
		r := x.Training
		if r == nil {
			return
		}
		trained++
		params := l.Params()
		opt := optim.NewAdamW(params, optim.Config{WeightDecay: r.Decay})
		opt.DecayOnly(func(p *autograd.Param) bool { return len(p.Shape()) > 1 })
		dl, dn := 0.0, 0.0
		for k := range r.Losses {
			var lines [][]int
			for i := range r.Batch {
				lines = append(lines, r.Lines[(k*r.Batch+i)%len(r.Lines)])
			}
			loss := nextTokenLoss(m, lines)
			norm, err := optim.ClipGradNorm(params, r.Clip)
			if err == nil {
				err = opt.Step(r.Rate, 1)
			}
			if err != nil {
				t.Fatal(err)
			}
			optim.ZeroGrad(params)
			dl, dn = max(dl, math.Abs(loss/r.Losses[k]-1)), max(dn, math.Abs(norm/r.GradNorms[k]-1))
		}
		t.Logf("%d losses differ by %.2g, gradient norms by %.2g of themselves", len(r.Losses), dl, dn)
		if !(dl <= 1e-4) || !(dn <= 1e-3) || len(r.Losses) != 10 || !(r.Losses[9] < r.Losses[0]) {
			t.Errorf("losses differ by %g, allowed 1e-4; gradient norms by %g, allowed 1e-3", dl, dn)
		}
	})
	if trained != 8 {
		t.Errorf("%d fixtures with training, expected 8", trained)
	}
}

// nextTokenLoss is the mean loss over the lines' tokens from each second on,
// with its gradients left in the parameters.
func nextTokenLoss(m *model.Model, lines [][]int) float64 {
	b := model.Pack(lines...)
	targets, weights, n, at := make([]int32, len(b.IDs)), make([]float32, len(b.IDs)), len(b.IDs)-len(lines), 0
	for _, l := range b.SeqLens {
		for i := at; i < at+l-1; i++ {
			targets[i], weights[i] = b.IDs[i+1], 1/float32(n)
		}
		at += l
	}
	tape := autograd.NewTape(m.Engine(), true)
	defer tape.Release()
	loss := tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, b)), targets, weights)
	tape.Backward(loss)
	return float64(loss.Scalar())
}
