package rl

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// stories260k is a folder with karpathy/llama2.c's stories260K in Hugging Face
// form, which TRL's own run was made with; it is not part of this repository.
var stories260k = flag.String("stories260k", "", "folder of stories260K in Hugging Face form, to compare with TRL's own run")

const tinyLlama = "../../llm/model/testdata/llama"

// rewardFixture is ten steps of training; testdata/README.md says whose.
type rewardFixture struct {
	Batch       int       `json:"batch"`
	ScoreWeight []float32 `json:"score_weight"`
	Rows        []struct {
		Chosen   []int `json:"chosen_ids"`
		Rejected []int `json:"rejected_ids"`
	} `json:"rows"`
	Steps []struct {
		Loss     float64 `json:"loss"`
		GradNorm float64 `json:"grad_norm"`
		Min      float64 `json:"min_reward"`
		Mean     float64 `json:"mean_reward"`
		Max      float64 `json:"max_reward"`
		Accuracy float64 `json:"accuracy"`
		Margin   float64 `json:"margin"`
	} `json:"steps"`
}

func openEngine(t *testing.T, name string) compute.Engine {
	t.Helper()
	e, err := compute.Open(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// torch's steps on a model of this repository; make_reward_fixture.py, which
// made them, gives TRL's own numbers on TRL's own run within 5e-6.
func TestRewardModelEqualsTorch(t *testing.T) {
	checkRewardSteps(t, tinyLlama, "testdata/reward_tiny.json")
}

func TestRewardModelEqualsTRL(t *testing.T) {
	if *stories260k == "" {
		t.Skip("needs stories260K: go test ./framework/train/rl -args -stories260k DIR")
	}
	checkRewardSteps(t, *stories260k, "testdata/reward_trl.json")
}

func checkRewardSteps(t *testing.T, folder, fixture string) {
	t.Helper()
	var f rewardFixture
	readFixture(t, fixture, &f)
	if len(f.Steps) != 10 || len(f.Rows) != 40 {
		t.Fatalf("%d steps, %d rows", len(f.Steps), len(f.Rows))
	}
	e := openEngine(t, "cpu")
	m, err := model.Load(folder, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScalarModel(m, spec.Stream(1, "init"))
	s.Head.Set(f.ScoreWeight)
	opt := optim.NewAdamW(s.Params(), optim.Config{})
	for step, want := range f.Steps {
		var chosen, rejected [][]int
		for _, r := range f.Rows[step*f.Batch : (step+1)*f.Batch] {
			chosen, rejected = append(chosen, r.Chosen), append(rejected, r.Rejected)
		}
		got, _, err := s.PairBackward(chosen, rejected, 0)
		if err != nil {
			t.Fatal(err)
		}
		norm, err := optim.ClipGradNorm(s.Params(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := opt.Step(1e-4, 1); err != nil {
			t.Fatal(err)
		}
		optim.ZeroGrad(s.Params())
		for _, c := range []struct {
			what           string
			got, want, tol float64
		}{
			{"loss", got.Loss, want.Loss, 1e-4 * want.Loss}, {"gradient norm", norm, want.GradNorm, 1e-4 * want.GradNorm},
			{"accuracy", got.Accuracy, want.Accuracy, 0}, {"margin", got.Margin, want.Margin, 1e-4},
			{"min", got.Min, want.Min, 1e-4}, {"mean", got.Mean, want.Mean, 1e-4}, {"max", got.Max, want.Max, 1e-4},
		} {
			if !(math.Abs(c.got-c.want) <= c.tol) {
				t.Errorf("step %d: %s %.7g, the reference has %.7g", step+1, c.what, c.got, c.want)
			}
		}
	}
}

func TestPairLossGradients(t *testing.T) {
	chosen, rejected, margins := []float64{0.3, -1.2, 2}, []float64{0.5, -2, 1.9}, []float64{0, 0.5, 0.1}
	p, err := PairLoss(chosen, rejected, margins, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for i := range chosen {
		x := chosen[i] - rejected[i] - margins[i]
		want += (math.Log(1+math.Exp(-x)) + 0.01*math.Pow(chosen[i]+rejected[i], 2)) / 3
	}
	if math.Abs(p.Loss-want) > 1e-12 || math.Abs(p.Accuracy-2./3) > 1e-12 || p.Min != -2 || p.Max != 2 {
		t.Errorf("%+v, want loss %g", p, want)
	}
	const h = 1e-6
	for name, pair := range map[string][2][]float64{"chosen": {chosen, p.DChosen}, "rejected": {rejected, p.DRejected}} {
		for i := range pair[0] {
			loss := func(d float64) float64 {
				pair[0][i] += d
				defer func() { pair[0][i] -= d }()
				q, err := PairLoss(chosen, rejected, margins, 0.01)
				if err != nil {
					t.Fatal(err)
				}
				return q.Loss
			}
			if d := (loss(h) - loss(-h)) / (2 * h); math.Abs(d-pair[1][i]) > 1e-8 {
				t.Errorf("%s %d: gradient %g, differences give %g", name, i, pair[1][i], d)
			}
		}
	}
	if q, err := PairLoss([]float64{1000}, []float64{-1000}, nil, 0); err != nil || q.Loss != 0 || math.IsNaN(q.DChosen[0]) {
		t.Errorf("a large difference: %+v %v", q, err)
	}
}

func TestScalarModelSavesStrictly(t *testing.T) {
	e := openEngine(t, "ref")
	m, err := model.Load(tinyLlama, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScalarModel(m, spec.Stream(3, "init"))
	dir := t.TempDir()
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	back, err := LoadScalarModel(dir, e)
	if err != nil {
		t.Fatal(err)
	}
	seqs := [][]int{{1, 5, 9}, {1, 7}, {1, 30, 31, 32}}
	a, _, err := s.Scores(seqs)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := back.Scores(seqs)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) || a[0] == a[1] {
		t.Errorf("scores %v, after loading %v", a, b)
	}
	for i, q := range seqs { // each sequence alone scores as in the batch
		one, _, err := s.Scores([][]int{q})
		if err != nil || math.Abs(one[0]-a[i]) > 1e-6 {
			t.Errorf("sequence %d: %v alone, %v in the batch (%v)", i, one, a[i], err)
		}
	}
	if err := os.Remove(filepath.Join(dir, headFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadScalarModel(dir, e); err == nil {
		t.Error("a folder without head was loaded")
	}
	if _, _, err := s.Scores([][]int{{99999}}); err == nil {
		t.Error("an id outside the vocabulary was scored")
	}
}
