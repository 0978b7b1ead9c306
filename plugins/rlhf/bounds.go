package main

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/rl"
)

// objective logs what a rollout says of the policy. The step is that of the
// update which follows, as in TRL; the closing rollout has a step of its own.
func (r *ppoRun) objective(roll *rollout, o rl.Objective) {
	at := int64(r.at.Step + 1)
	for _, m := range []struct {
		name  string
		value float64
	}{
		{"objective/kl", o.KL}, {"objective/entropy", o.Entropy}, {"objective/non_score_reward", o.NonScoreReward},
		{"objective/rlhf_reward", o.RLHFReward}, {"objective/scores", o.Score}, {"val/num_eos_tokens", float64(roll.ended())},
		{"val/response_length", roll.meanLength()}, {"val/sampler_logprob_gap", roll.gap},
	} {
		r.out.Metric(m.name, at, m.value)
	}
}

// outOfBounds says whether the KL or the score has left its bounds. Then the
// policy goes back to the last rollout within them, and training ends.
func (r *ppoRun) outOfBounds(o rl.Objective) bool {
	p := r.in.Params
	if r.at.FirstScore == nil {
		r.at.FirstScore = &o.Score
	}
	moved := o.Score - *r.at.FirstScore
	reason, metric, value := "", "", 0.0
	switch {
	case math.IsNaN(o.KL) || p.Float("ppo_kl_max") > 0 && o.KL > p.Float("ppo_kl_max"):
		reason, metric, value = fmt.Sprintf("objective/kl is %.4g, above ppo_kl_max %g", o.KL, p.Float("ppo_kl_max")), "stop/kl", o.KL
	case p.Float("ppo_score_drop") > 0 && moved < -p.Float("ppo_score_drop"):
		reason, metric, value = fmt.Sprintf("objective/scores has fallen by %.4g, more than ppo_score_drop %g", -moved, p.Float("ppo_score_drop")), "stop/score", o.Score
	case p.Float("ppo_score_rise") > 0 && moved > p.Float("ppo_score_rise"):
		reason, metric, value = fmt.Sprintf("objective/scores has risen by %.4g, more than ppo_score_rise %g", moved, p.Float("ppo_score_rise")), "stop/score", o.Score
	default:
		return false
	}
	for i, w := range r.good {
		r.sets[0].params[i].Set(w)
	}
	r.out.Metric(metric, int64(r.at.Step+1), value)
	r.out.Log("warning", fmt.Sprintf("training ends after %d of %d updates: %s; the result is the policy before the last update", r.at.Step, r.total, reason))
	return true
}

// keep remembers the policy as one within bounds.
func (r *ppoRun) keep() {
	r.good = r.good[:0]
	for _, w := range r.sets[0].params {
		r.good = append(r.good, w.Data())
	}
}

// checkGradients fails the run when a tensor that should train had no gradient
// in the first update: it would train nothing while the loss looks fine.
func (r *ppoRun) checkGradients() error {
	if idle := r.sets[0].opt.Idle(); len(idle) > 0 {
		return sdk.Fail("params", fmt.Sprintf("tensor %s of the policy had no gradient in the first update: it does not take part in the loss", idle[0]), "choose another ppo_trainable, or report this")
	}
	return nil
}
