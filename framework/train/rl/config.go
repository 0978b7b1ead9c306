package rl

import "fmt"

// Estimators of the KL divergence per token, with r = ln pi_ref - ln pi
// (Schulman 2020, Approximating KL Divergence).
const (
	K1 = "k1" // -r: unbiased
	K3 = "k3" // e^r - 1 - r: unbiased, never negative
)

// Config holds PPO's coefficients. DefaultConfig gives TRL's values; the zero
// value is not useful.
type Config struct {
	KLCoef            float64 // of the KL in the reward
	KLEstimator       string  // K1 or K3
	WhitenRewards     bool    // to unit variance, mean kept
	Gamma             float64 // discount
	Lambda            float64 // of generalised advantage estimation
	ClipRange         float64 // of the policy's ratio around 1
	ClipRangeValue    float64 // of the value around its old one
	VFCoef            float64 // of the value loss
	MissingEOSPenalty float64 // taken off the score of a response without end token; 0: none
}

// DefaultConfig is TRL 1.12.0's PPOConfig.
func DefaultConfig() Config {
	return Config{KLCoef: 0.05, KLEstimator: K1, Gamma: 1, Lambda: 0.95, ClipRange: 0.2, ClipRangeValue: 0.2, VFCoef: 0.1}
}

// Validate names the field that is wrong.
func (c Config) Validate() error {
	if c.KLEstimator != K1 && c.KLEstimator != K3 {
		return fmt.Errorf("kl_estimator: %q is not known; use %s or %s", c.KLEstimator, K1, K3)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"kl_coef", c.KLCoef}, {"gamma", c.Gamma}, {"lam", c.Lambda}, {"cliprange", c.ClipRange}, {"cliprange_value", c.ClipRangeValue}, {"vf_coef", c.VFCoef}, {"missing_eos_penalty", c.MissingEOSPenalty}} {
		if !(f.value >= 0) {
			return fmt.Errorf("%s: %v is negative; use 0 or more", f.name, f.value)
		}
	}
	return nil
}
