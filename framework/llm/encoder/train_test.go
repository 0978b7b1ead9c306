package encoder

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// follow trains as testdata/make_fixtures.py does and compares each step.
func follow(t *testing.T, m *Encoder, x expected, params []*autograd.Param, want curve) {
	t.Helper()
	opt := optim.NewAdamW(params, optim.Config{WeightDecay: x.Decay})
	defer opt.Free()
	opt.DecayOnly(func(p *autograd.Param) bool { return len(p.Shape()) > 1 && !strings.Contains(p.Name, "bias") })
	worstLoss, worstNorm := 0.0, 0.0
	for k := range want.Losses {
		b, labels := x.batch(k*x.Batch%len(x.Seqs), (k*x.Batch+1)%len(x.Seqs))
		tape := autograd.NewTape(m.Engine(), true)
		loss := tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, b)), labels, nil)
		tape.Backward(loss)
		got := float64(loss.Scalar())
		tape.Release()
		norm, err := optim.GradNorm(params)
		if err != nil {
			t.Fatal(err)
		}
		if err := opt.Step(x.Rate, 1); err != nil {
			t.Fatal(err)
		}
		optim.ZeroGrad(params)
		dl, dn := math.Abs(got/want.Losses[k]-1), math.Abs(norm/want.GradNorms[k]-1)
		if !(dl <= 1e-4 && dn <= 1e-3) {
			t.Errorf("step %d: loss %g and gradient norm %g, want %g and %g", k, got, norm, want.Losses[k], want.GradNorms[k])
		}
		worstLoss, worstNorm = max(worstLoss, dl), max(worstNorm, dn)
	}
	t.Logf("largest relative difference of a loss %.2g, of a gradient norm %.2g", worstLoss, worstNorm)
}

func TestTenStepsEqualTorch(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) { follow(t, m, x, m.Params(), x.Full) })
}

// An adapter that PEFT saved, and Save gives back.
func TestTenStepsOfLoRAEqualPEFT(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) {
		from, dir := filepath.Join("testdata", m.Family(), "lora"), t.TempDir()
		l, err := peft.Load(m, from)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Save(dir); err != nil {
			t.Fatal(err)
		}
		want, err := checkpoint.ReadSafetensors(filepath.Join(from, peft.WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		got, err := checkpoint.ReadSafetensors(filepath.Join(dir, peft.WeightsFile))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("the saved adapter differs: %v", err)
		}
		follow(t, m, x, l.Params(), x.LoRA)
	})
}

// All linear layers but the output layer, merged and saved.
func TestMergedAdapterIsSaved(t *testing.T) {
	for _, name := range Families() {
		m, x := load(t, name, "ref")
		l, err := peft.Attach(m, peft.Config{Rank: 2, Targets: []string{peft.AllLinear}}, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Layers()) != len(m.Linears()) {
			t.Errorf("%s: %d layers adapted of %d", name, len(l.Layers()), len(m.Linears()))
		}
		for _, p := range l.Params() {
			data := make([]float32, p.Len())
			for i := range data {
				data[i] = float32(i%7-3) / 20
			}
			p.Set(data)
		}
		b, _ := x.all()
		hidden := func(m *Encoder) []float32 {
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			return m.Logits(tape, m.Hidden(tape, b)).Value()
		}
		if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "carries an adapter") {
			t.Errorf("%s: an adapter was saved away: %v", name, err)
		}
		want, dir := hidden(m), t.TempDir()
		if err := l.SaveMerged(dir); err != nil {
			t.Fatal(err)
		}
		back, err := Load(dir, m.Engine(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+" merged", hidden(back), want, 1e-4)
		if away(t, name, want, x.tensors["logits"]) < 0.01 {
			t.Errorf("%s: the adapter changes nothing", name)
		}
	}
}
