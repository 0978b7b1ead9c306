package rl

import (
	"fmt"
	"math"
)

// Pairs is the reward model's loss on a batch of preference pairs, its
// statistics and gradients.
type Pairs struct {
	Loss     float64
	Accuracy float64 // share of pairs with the chosen response above the rejected
	Margin   float64 // mean of chosen - rejected
	Min      float64 // over all rewards of the batch
	Mean     float64
	Max      float64

	DChosen, DRejected []float64 // dLoss/dreward
}

// PairLoss is the mean over pairs of -ln sigmoid(chosen - rejected - margin)
// (Bradley and Terry 1952; Ouyang et al. 2022, equation 1; margin: Touvron et
// al. 2023, section 3.2.2) plus center times the mean of (chosen + rejected)^2,
// which keeps rewards around 0 (Eisenstein et al. 2023; TRL's
// center_rewards_coefficient). margins nil means 0.
func PairLoss(chosen, rejected, margins []float64, center float64) (*Pairs, error) {
	n := len(chosen)
	if n == 0 || len(rejected) != n || margins != nil && len(margins) != n {
		return nil, fmt.Errorf("rl: %d chosen and %d rejected rewards with %d margins do not make pairs", n, len(rejected), len(margins))
	}
	p := &Pairs{DChosen: make([]float64, n), DRejected: make([]float64, n), Min: math.Inf(1), Max: math.Inf(-1)}
	for i := range chosen {
		diff, sum := chosen[i]-rejected[i], chosen[i]+rejected[i]
		x := diff
		if margins != nil {
			x -= margins[i]
		}
		w := 1 / float64(n)
		p.Loss += w * (softplus(-x) + center*sum*sum)
		up := 1 / (1 + math.Exp(x)) // 1 - sigmoid(x)
		p.DChosen[i], p.DRejected[i] = w*(2*center*sum-up), w*(2*center*sum+up)
		if diff > 0 {
			p.Accuracy += w
		}
		p.Margin += w * diff
		p.Mean += w * sum / 2
		p.Min = min(p.Min, chosen[i], rejected[i])
		p.Max = max(p.Max, chosen[i], rejected[i])
	}
	return p, nil
}

// softplus is ln(1 + e^x) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
