package rl

import "math"

// Minibatch is what an inner step compares: old numbers from before the
// update, new ones from the training forward. All [B][T].
type Minibatch struct {
	LogProbs, NewLogProbs [][]float64
	Values, NewValues     [][]float64
	Advantages, Returns   [][]float64
	Last                  []int // [B] index of the last real token
}

// Loss of a minibatch, its statistics and its gradients.
type Loss struct {
	Policy, Value  float64 // policy: clipped surrogate; value: half the clipped squared error
	Total          float64 // Policy + vf_coef Value
	ApproxKL       float64 // half the mean squared change of ln pi, over padding too, as TRL averages it
	PolicyClipFrac float64 // share of tokens where the clipped policy loss is the larger
	ValueClipFrac  float64 // share of states where the clipped value loss is the larger
	Ratio          float64 // mean of pi/pi_old, over padding (1) too, as TRL averages it

	DLogProbs [][]float64 // [B][T] dTotal/dNewLogProbs, 0 on padding
	DValues   [][]float64 // [B][T] dTotal/dNewValues, 0 on padding
}

// Loss is PPO's clipped loss (Schulman et al. 2017, equation 7) with TRL's
// clipped value loss. Where clipped and unclipped are equal the gradient goes
// half to each, as torch.max has it; a clamp passes it at its ends.
func (c Config) Loss(m Minibatch) (*Loss, error) {
	t, err := sameShapes(m.Last, []string{"logprobs", "new_logprobs", "values", "new_values", "advantages", "returns"},
		m.LogProbs, m.NewLogProbs, m.Values, m.NewValues, m.Advantages, m.Returns)
	if err != nil {
		return nil, err
	}
	b := len(m.Last)
	l := &Loss{DLogProbs: zeros(b, t), DValues: zeros(b, t)}
	tokens, states := 0.0, 0.0
	for _, last := range m.Last {
		tokens += float64(masked(last, 0, t))
		states += float64(masked(last, 1, t))
	}
	all := float64(b * t)
	l.Ratio = all - tokens
	for i, last := range m.Last {
		for j := range masked(last, 0, t) {
			change := m.NewLogProbs[i][j] - m.LogProbs[i][j]
			ratio, adv := math.Exp(change), m.Advantages[i][j]
			free, grad := -adv*ratio, -adv*ratio
			clipped, clippedGrad := -adv*min(max(ratio, 1-c.ClipRange), 1+c.ClipRange), 0.0
			if ratio >= 1-c.ClipRange && ratio <= 1+c.ClipRange {
				clippedGrad = grad
			}
			loss, d, over := larger(free, grad, clipped, clippedGrad)
			l.Policy += loss / tokens
			l.DLogProbs[i][j] = d / tokens
			l.PolicyClipFrac += over / tokens
			l.ApproxKL += 0.5 * change * change / all
			l.Ratio += ratio
		}
		for j := range masked(last, 1, t) {
			v, old, ret := m.NewValues[i][j], m.Values[i][j], m.Returns[i][j]
			near := min(max(v, old-c.ClipRangeValue), old+c.ClipRangeValue)
			nearGrad := 0.0
			if near == v {
				nearGrad = 2 * (v - ret)
			}
			loss, d, over := larger((v-ret)*(v-ret), 2*(v-ret), (near-ret)*(near-ret), nearGrad)
			l.Value += 0.5 * loss / states
			l.DValues[i][j] = 0.5 * c.VFCoef * d / states
			l.ValueClipFrac += over / states
		}
	}
	l.Ratio /= all // summed first: ones must give exactly 1
	l.Total = l.Policy + c.VFCoef*l.Value
	return l, nil
}

// larger gives the larger of a free and a clipped loss, its gradient, and 1 if
// the clipped one is it.
func larger(free, grad, clipped, clippedGrad float64) (loss, d, over float64) {
	switch {
	case free > clipped:
		return free, grad, 0
	case clipped > free:
		return clipped, clippedGrad, 1
	}
	return free, (grad + clippedGrad) / 2, 0
}
