package rl

import "math"

// Rollout is a batch of responses with what the models say of them.
type Rollout struct {
	LogProbs    [][]float64 // [B][T] ln pi of each token, before the update
	RefLogProbs [][]float64 // [B][T] ln pi_ref
	Values      [][]float64 // [B][T] value of the state before token t; at Last+1 that of the finished response
	Scores      []float64   // [B] the reward model's
	Last        []int       // [B] index of the last real token
	Ended       []bool      // [B] the response has its end token
}

// Targets is what the inner steps are given.
type Targets struct {
	KL         [][]float64 // [B][T] the estimator's value, 0 on padding
	Rewards    [][]float64 // [B][T]
	Advantages [][]float64 // [B][T] whitened, 0 on padding
	Returns    [][]float64 // [B][T] advantage before whitening + value
	Objective  Objective
}

// Objective holds the batch means of TRL's objective/* statistics.
type Objective struct {
	KL             float64 // summed over a response
	Entropy        float64 // -ln pi summed over a response's real tokens (TRL counts -1 for each padded one)
	NonScoreReward float64 // -kl_coef KL, summed
	Score          float64 // after the penalty
	RLHFReward     float64 // Score + NonScoreReward
}

// Targets computes rewards and advantages: -kl_coef times the KL at every
// token, the score one place after the last token where there is room and on
// it elsewhere, and generalised advantage estimation (Schulman et al. 2016,
// arXiv:1506.02438, equation 16).
func (c Config) Targets(r Rollout) (*Targets, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t, err := sameShapes(r.Last, []string{"logprobs", "ref_logprobs", "values"}, r.LogProbs, r.RefLogProbs, r.Values)
	if err != nil {
		return nil, err
	}
	b := len(r.Last)
	out := &Targets{KL: zeros(b, t), Rewards: zeros(b, t), Advantages: zeros(b, t), Returns: zeros(b, t)}
	tokens, states := make([]int, b), make([]int, b)
	for i, last := range r.Last {
		tokens[i], states[i] = masked(last, 0, t), masked(last, 1, t)
		for j := range tokens[i] {
			d := r.RefLogProbs[i][j] - r.LogProbs[i][j]
			kl := -d
			if c.KLEstimator == K3 {
				kl = math.Expm1(d) - d
			}
			out.KL[i][j], out.Rewards[i][j] = kl, -c.KLCoef*kl
			out.Objective.KL += kl / float64(b)
			out.Objective.Entropy -= r.LogProbs[i][j] / float64(b)
			out.Objective.NonScoreReward -= c.KLCoef * kl / float64(b)
		}
		score := r.Scores[i]
		if !r.Ended[i] {
			score -= c.MissingEOSPenalty
		}
		out.Rewards[i][states[i]-1] += score
		out.Objective.Score += score / float64(b)
	}
	out.Objective.RLHFReward = out.Objective.Score + out.Objective.NonScoreReward
	if c.WhitenRewards {
		if err := whiten(out.Rewards, states, false); err != nil {
			return nil, err
		}
	}
	for i := range b {
		c.advantages(out.Rewards[i], r.Values[i][:states[i]], out.Advantages[i], out.Returns[i])
		clear(out.Advantages[i][tokens[i]:])
	}
	return out, whiten(out.Advantages, tokens, true)
}

// advantages runs over one response from its end. Past the last state value
// and reward are 0, so nothing comes from there.
func (c Config) advantages(rewards, values, adv, ret []float64) {
	next, following := 0.0, 0.0
	for j := len(values) - 1; j >= 0; j-- {
		delta := rewards[j] + c.Gamma*following - values[j]
		next = delta + c.Gamma*c.Lambda*next
		adv[j], ret[j] = next, next+values[j]
		following = values[j]
	}
}
