package rl

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// ppoFixture is testdata/ppo_fixture.json: TRL's own lines, executed.
type ppoFixture struct {
	Inputs struct {
		LogProbs    [][]float64 `json:"logprobs"`
		Values      [][]float64 `json:"values"`
		Scores      []float64   `json:"scores"`
		Last        []int       `json:"sequence_lengths"`
		Ended       []bool      `json:"contain_eos_token"`
		RefLogProbs [][]float64 `json:"ref_logprobs"`
		NewLogProbs [][]float64 `json:"new_logprobs"`
		NewValues   [][]float64 `json:"vpred"`
	} `json:"inputs"`
	Cases []struct {
		Args struct {
			KLCoef            float64  `json:"kl_coef"`
			KLEstimator       string   `json:"kl_estimator"`
			WhitenRewards     bool     `json:"whiten_rewards"`
			Gamma             float64  `json:"gamma"`
			Lambda            float64  `json:"lam"`
			ClipRange         float64  `json:"cliprange"`
			ClipRangeValue    float64  `json:"cliprange_value"`
			VFCoef            float64  `json:"vf_coef"`
			MissingEOSPenalty *float64 `json:"missing_eos_penalty"`
		} `json:"args"`
		Rewards        [][]float64 `json:"rewards"`
		Advantages     [][]float64 `json:"advantages"`
		Returns        [][]float64 `json:"returns"`
		KL             [][]float64 `json:"kl"`
		PolicyLoss     float64     `json:"policy_loss"`
		ValueLoss      float64     `json:"value_loss"`
		Loss           float64     `json:"loss"`
		ApproxKL       float64     `json:"approxkl"`
		PolicyClipFrac float64     `json:"policy_clipfrac"`
		ValueClipFrac  float64     `json:"value_clipfrac"`
		RatioMean      float64     `json:"ratio_mean"`
		ObjectiveKL    float64     `json:"objective_kl"`
		NonScore       float64     `json:"objective_non_score_reward"`
		RLHFReward     float64     `json:"objective_rlhf_reward"`
		DLogProbs      [][]float64 `json:"grad_new_logprobs"`
		DValues        [][]float64 `json:"grad_vpred"`
	} `json:"cases"`
}

func readFixture(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

const ppoTolerance = 1e-6

func closeTo(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= ppoTolerance) {
		t.Errorf("%s: %.9g, TRL has %.9g", what, got, want)
	}
}

func closeAll(t *testing.T, what string, got, want [][]float64, upTo func(row int) int) {
	t.Helper()
	for i := range want {
		for j := range upTo(i) {
			closeTo(t, fmt.Sprintf("%s[%d][%d]", what, i, j), got[i][j], want[i][j])
		}
	}
}

// config and inputs of case i.
func (f *ppoFixture) setUp(i int) (Config, Rollout) {
	a, in := f.Cases[i].Args, f.Inputs
	c := Config{a.KLCoef, a.KLEstimator, a.WhitenRewards, a.Gamma, a.Lambda, a.ClipRange, a.ClipRangeValue, a.VFCoef, 0}
	if a.MissingEOSPenalty != nil {
		c.MissingEOSPenalty = *a.MissingEOSPenalty
	}
	return c, Rollout{in.LogProbs, in.RefLogProbs, in.Values, in.Scores, in.Last, in.Ended}
}

func TestPPOEqualsTRL(t *testing.T) {
	var f ppoFixture
	readFixture(t, "testdata/ppo_fixture.json", &f)
	if len(f.Cases) != 5 {
		t.Fatalf("%d cases", len(f.Cases))
	}
	for i, want := range f.Cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			c, r := f.setUp(i)
			got, err := c.Targets(r)
			if err != nil {
				t.Fatal(err)
			}
			whole := func(int) int { return len(f.Inputs.LogProbs[0]) }
			// TRL leaves returns behind the last state as they come; nothing reads them.
			states := func(row int) int { return masked(r.Last[row], 1, whole(row)) }
			closeAll(t, "kl", got.KL, want.KL, whole)
			closeAll(t, "rewards", got.Rewards, want.Rewards, whole)
			closeAll(t, "advantages", got.Advantages, want.Advantages, whole)
			closeAll(t, "returns", got.Returns, want.Returns, states)
			closeTo(t, "objective/kl", got.Objective.KL, want.ObjectiveKL)
			closeTo(t, "objective/non_score_reward", got.Objective.NonScoreReward, want.NonScore)
			closeTo(t, "objective/rlhf_reward", got.Objective.RLHFReward, want.RLHFReward)
			l, err := c.Loss(Minibatch{r.LogProbs, f.Inputs.NewLogProbs, r.Values, f.Inputs.NewValues, got.Advantages, got.Returns, r.Last})
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, "policy loss", l.Policy, want.PolicyLoss)
			closeTo(t, "value loss", l.Value, want.ValueLoss)
			closeTo(t, "loss", l.Total, want.Loss)
			closeTo(t, "approxkl", l.ApproxKL, want.ApproxKL)
			closeTo(t, "policy clipfrac", l.PolicyClipFrac, want.PolicyClipFrac)
			closeTo(t, "value clipfrac", l.ValueClipFrac, want.ValueClipFrac)
			closeTo(t, "ratio", l.Ratio, want.RatioMean)
			closeAll(t, "grad of logprobs", l.DLogProbs, want.DLogProbs, whole)
			closeAll(t, "grad of values", l.DValues, want.DValues, whole)
		})
	}
}

// The gradients are those of the loss: central differences, away from ties.
func TestLossGradients(t *testing.T) {
	var f ppoFixture
	readFixture(t, "testdata/ppo_fixture.json", &f)
	c, r := f.setUp(3)
	targets, err := c.Targets(r)
	if err != nil {
		t.Fatal(err)
	}
	m := Minibatch{r.LogProbs, f.Inputs.NewLogProbs, r.Values, f.Inputs.NewValues, targets.Advantages, targets.Returns, r.Last}
	l, err := c.Loss(m)
	if err != nil {
		t.Fatal(err)
	}
	total := func() float64 {
		x, err := c.Loss(m)
		if err != nil {
			t.Fatal(err)
		}
		return x.Total
	}
	const h = 1e-6
	for what, pair := range map[string][2][][]float64{"logprob": {m.NewLogProbs, l.DLogProbs}, "value": {m.NewValues, l.DValues}} {
		for i, row := range pair[0] {
			for j := range row {
				old := row[j]
				row[j] = old + h
				up := total()
				row[j] = old - h
				down := total()
				row[j] = old
				if d := (up - down) / (2 * h); math.Abs(d-pair[1][i][j]) > 1e-7 {
					t.Errorf("%s [%d][%d]: gradient %g, differences give %g", what, i, j, pair[1][i][j], d)
				}
			}
		}
	}
}

// At the first inner step old and new are equal: the ratio is exactly 1,
// nothing is clipped, and the policy's gradient is that of plain policy
// gradients, -advantage/tokens.
func TestFirstStepIsPolicyGradient(t *testing.T) {
	var f ppoFixture
	readFixture(t, "testdata/ppo_fixture.json", &f)
	c, r := f.setUp(0)
	targets, err := c.Targets(r)
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.Loss(Minibatch{r.LogProbs, r.LogProbs, r.Values, r.Values, targets.Advantages, targets.Returns, r.Last})
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0.0
	for _, last := range r.Last {
		tokens += float64(last + 1)
	}
	if l.ApproxKL != 0 || l.PolicyClipFrac != 0 || l.Ratio != 1 {
		t.Errorf("approxkl %g, clipfrac %g, ratio %g", l.ApproxKL, l.PolicyClipFrac, l.Ratio)
	}
	for i, row := range targets.Advantages {
		for j, adv := range row {
			if math.Abs(l.DLogProbs[i][j]+adv/tokens) > 1e-15 {
				t.Errorf("[%d][%d]: gradient %g, advantage %g", i, j, l.DLogProbs[i][j], adv)
			}
		}
	}
}

func TestMisuseIsAnError(t *testing.T) {
	c := DefaultConfig()
	one := [][]float64{{-1, -1}}
	if _, err := c.Targets(Rollout{one, one, one, []float64{0}, []int{2}, []bool{true}}); err == nil {
		t.Error("a last token outside the response was taken")
	}
	if _, err := c.Targets(Rollout{one, [][]float64{{-1}}, one, []float64{0}, []int{0}, []bool{true}}); err == nil {
		t.Error("unequal widths were taken")
	}
	if _, err := c.Targets(Rollout{one, one, one, []float64{0}, []int{0}, []bool{true}}); err == nil {
		t.Error("a single token was whitened")
	}
	c.KLEstimator = "k2"
	if _, err := c.Targets(Rollout{one, one, one, []float64{0}, []int{1}, []bool{true}}); err == nil {
		t.Error("an unknown estimator was taken")
	}
	if _, err := PairLoss([]float64{1}, nil, nil, 0); err == nil {
		t.Error("a pair without rejected response was taken")
	}
}
