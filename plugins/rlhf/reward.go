package main

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/rl"
)

// rewardRun trains the reward model.
type rewardRun struct {
	in         *sdk.Input
	out        *sdk.Output
	m          *rl.ScalarModel
	set        trained
	train, val pairs
	at         progress
	total      int
}

func rewardSteps(p spec.Params, pairs int) int {
	return int(math.Ceil(p.Float("reward_epochs") * float64(perEpoch(p, pairs))))
}

func perEpoch(p spec.Params, pairs int) int {
	b := p.Int("reward_batch_size")
	return (pairs + b - 1) / b
}

// runReward fits a scalar head on the sft model, and the model with it, to the
// preference pairs (Ouyang et al. 2022, section 3.5 and equation 1).
func runReward(in *sdk.Input, out *sdk.Output) error {
	r, err := newRewardRun(in, out)
	if err != nil {
		return err
	}
	cost := out.Cost()
	cost.ExtraSupervision = map[string]int{"preferences": len(r.train.list)}
	for _, w := range r.set.params {
		cost.TrainableParams += int64(w.Len())
	}
	if in.Checkpoint != "" {
		p, s, err := loadState(in.Checkpoint, []trained{r.set})
		if err != nil {
			return err
		}
		if err := s.finish(); err != nil {
			return err
		}
		r.at = p
	} else if err := r.evaluate(); err != nil {
		return err
	}
	err = r.run()
	cost.TrainTokens, cost.FLOPs = r.at.Tokens, r.at.FLOPs
	if err != nil {
		return err
	}
	if err := r.m.Save(out.ArtifactDir()); err != nil {
		return err
	}
	return r.verify()
}

func newRewardRun(in *sdk.Input, out *sdk.Output) (*rewardRun, error) {
	sft, err := input(in, stageSFT)
	if err != nil {
		return nil, err
	}
	train, val, err := examples(in)
	if err != nil {
		return nil, err
	}
	e, err := openEngine(in)
	if err != nil {
		return nil, err
	}
	m, err := model.Load(filepath.Join(sft, modelDir), e, model.Options{})
	if err != nil {
		return nil, fmt.Errorf("load the sft model: %w", err)
	}
	tok, err := tokenizer.Load(in.ModelDir)
	if err != nil {
		return nil, err
	}
	r := &rewardRun{in: in, out: out, m: rl.NewScalarModel(m, spec.Stream(in.Spec.Seed, spec.StreamInit))}
	maxLen := rewardLength(in, m)
	r.train, r.val = encodePairs(tok, in.Spec.Task, train, maxLen), encodePairs(tok, in.Spec.Task, val, maxLen)
	r.train.report(out, "training", maxLen)
	r.val.report(out, "validation", maxLen)
	if len(r.train.list) == 0 {
		return nil, sdk.Fail("params.reward_max_length", fmt.Sprintf("none of %d pairs fits %d tokens", len(train), maxLen), "raise it, or give shorter responses")
	}
	r.set = trained{"reward", r.m.Params(), optim.NewAdamW(r.m.Params(), optim.Config{WeightDecay: in.Params.Float("reward_weight_decay")})}
	r.total = rewardSteps(in.Params, len(r.train.list))
	return r, nil
}

func rewardLength(in *sdk.Input, m *model.Model) int {
	n := in.Params.Int("reward_max_length")
	if n == 0 {
		n = in.Spec.Task.MaxLength
	}
	if c := m.ContextLength(); n == 0 || n > c {
		n = c
	}
	return n
}

func (r *rewardRun) run() error {
	p := r.in.Params
	every := p.Int("reward_eval_every")
	if every == 0 {
		every = perEpoch(p, len(r.train.list))
	}
	schedule := optim.Schedule{Kind: p.String("reward_schedule"), Peak: p.Float("reward_learning_rate"), Total: max(r.total, 1), WarmupRatio: p.Float("reward_warmup")}
	if err := schedule.Validate(); err != nil {
		return sdk.Fail("params.reward_schedule", err.Error(), "choose constant, linear or cosine")
	}
	for r.at.Step < r.total {
		select {
		case <-r.out.Stopping():
			if err := saveState(r.in, r.out, r.at, []trained{r.set}, nil); err != nil {
				return err
			}
			return sdk.ErrStopped
		default:
		}
		if err := r.step(schedule.Rate(r.at.Step)); err != nil {
			return err
		}
		if spent(r.in.Spec.Budget, r.at) && r.at.Step < r.total {
			r.out.Log("info", fmt.Sprintf("the budget ended training after %d of %d steps", r.at.Step, r.total))
			r.total = r.at.Step
		}
		if r.at.Step%every == 0 || r.at.Step == r.total {
			if err := r.evaluate(); err != nil {
				return err
			}
			if r.at.Step < r.total {
				if err := saveState(r.in, r.out, r.at, []trained{r.set}, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// spent says whether the budget of training tokens or FLOPs is used up.
func spent(b spec.Budget, p progress) bool {
	return b.MaxTokens > 0 && p.Tokens >= b.MaxTokens || b.MaxFLOPs > 0 && p.FLOPs >= b.MaxFLOPs
}

// batch gives the pairs of a step: a seeded permutation for each epoch.
func (r *rewardRun) batch(step int) []pair {
	per, b := perEpoch(r.in.Params, len(r.train.list)), r.in.Params.Int("reward_batch_size")
	order := spec.Stream(r.in.Spec.Seed, fmt.Sprintf("%s/%d", spec.StreamData, step/per)).Perm(len(r.train.list))
	lo := step % per * b
	var out []pair
	for _, i := range order[lo:min(lo+b, len(order))] {
		out = append(out, r.train.list[i])
	}
	return out
}

func (r *rewardRun) step(lr float64) error {
	batch := r.batch(r.at.Step)
	chosen, rejected := sides(batch)
	s, flops, err := r.m.PairBackward(chosen, rejected, r.in.Params.Float("reward_center"))
	if err != nil {
		return err
	}
	if math.IsNaN(s.Loss) || math.IsInf(s.Loss, 0) {
		return sdk.Fail("params.reward_learning_rate", fmt.Sprintf("the reward model's loss became %v at step %d", s.Loss, r.at.Step), "lower the learning rate or raise reward_warmup")
	}
	norm, err := optim.ClipGradNorm(r.set.params, r.in.Params.Float("reward_max_grad_norm"))
	if err != nil {
		return err
	}
	if err := r.set.opt.Step(lr, 1); err != nil {
		return err
	}
	optim.ZeroGrad(r.set.params)
	r.at.Step++
	r.at.FLOPs += flops
	for _, p := range batch {
		r.at.Tokens += int64(len(p.chosen) + len(p.rejected))
	}
	at := int64(r.at.Step)
	r.statistics("train", s)
	r.out.Metric("train/grad_norm", at, norm)
	r.out.Metric("train/lr", at, lr)
	r.out.Metric("train/num_tokens", at, float64(r.at.Tokens))
	r.out.Progress(at, int64(r.total), "train the reward model")
	return nil
}

// statistics logs what TRL's RewardTrainer logs.
func (r *rewardRun) statistics(split string, s *rl.Pairs) {
	for _, m := range []struct {
		name  string
		value float64
	}{{"loss", s.Loss}, {"accuracy", s.Accuracy}, {"margin", s.Margin}, {"min_reward", s.Min}, {"mean_reward", s.Mean}, {"max_reward", s.Max}} {
		r.out.Metric(split+"/"+m.name, int64(r.at.Step), m.value)
	}
}

// evaluate logs the statistics of the validation pairs.
func (r *rewardRun) evaluate() error {
	if len(r.val.list) == 0 {
		return nil
	}
	chosen, rejected := sides(r.val.list)
	c, _, err := r.m.Scores(chosen)
	if err != nil {
		return err
	}
	j, _, err := r.m.Scores(rejected)
	if err != nil {
		return err
	}
	s, err := rl.PairLoss(c, j, nil, r.in.Params.Float("reward_center"))
	if err != nil {
		return err
	}
	r.statistics("eval", s)
	return nil
}

// verify loads what was saved and asks for the same scores.
func (r *rewardRun) verify() error {
	back, err := rl.LoadScalarModel(r.out.ArtifactDir(), r.m.Model.Engine())
	if err != nil {
		return fmt.Errorf("load what was just saved: %w", err)
	}
	chosen, _ := sides(r.train.list[:min(len(r.train.list), 16)])
	want, _, err := r.m.Scores(chosen)
	if err != nil {
		return err
	}
	got, _, err := back.Scores(chosen)
	if err != nil {
		return err
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("the saved reward model scores %v where the trained one scores %v", got[i], want[i])
		}
	}
	return nil
}
