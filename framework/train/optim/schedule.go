package optim

import (
	"fmt"
	"math"
)

// Schedule gives the learning rate of each step, in the conventions of
// transformers.optimization (get_constant_schedule_with_warmup,
// get_linear_schedule_with_warmup, get_cosine_schedule_with_warmup).
type Schedule struct {
	Kind        string  // "constant", "linear" (to 0) or "cosine" (half a wave to 0); "" means linear
	Peak        float64 // the rate after warm-up
	Total       int     // steps of the whole run; constant does not need it
	WarmupSteps int     // steps of linear warm-up; wins over WarmupRatio when above 0
	WarmupRatio float64 // warm-up as a share of Total, rounded up
}

// Validate names the field that is wrong.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "", "linear", "cosine":
		if s.Total <= 0 {
			return fmt.Errorf("schedule.total: a %q schedule needs the number of steps, got %d", s.Kind, s.Total)
		}
	case "constant":
	default:
		return fmt.Errorf("schedule.kind: %q is not known; use constant, linear or cosine", s.Kind)
	}
	if s.WarmupSteps < 0 {
		return fmt.Errorf("schedule.warmup_steps: must not be negative, got %d", s.WarmupSteps)
	}
	if s.WarmupRatio < 0 || s.WarmupRatio > 1 {
		return fmt.Errorf("schedule.warmup_ratio: must be between 0 and 1, got %g", s.WarmupRatio)
	}
	return nil
}

// Warmup is the number of warm-up steps: WarmupSteps, or ceil(Total WarmupRatio).
func (s Schedule) Warmup() int {
	if s.WarmupSteps > 0 {
		return s.WarmupSteps
	}
	return int(math.Ceil(float64(s.Total) * s.WarmupRatio))
}

// Factor is the share of the peak rate that step (from 0) uses: step/warmup
// during warm-up, then for linear (total-step)/(total-warmup).
func (s Schedule) Factor(step int) float64 {
	w := s.Warmup()
	if step < w {
		return float64(step) / float64(max(1, w))
	}
	switch s.Kind {
	case "constant":
		return 1
	case "cosine":
		progress := float64(step-w) / float64(max(1, s.Total-w))
		return math.Max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	}
	return math.Max(0, float64(s.Total-step)/float64(max(1, s.Total-w)))
}

// Rate is Peak times Factor.
func (s Schedule) Rate(step int) float64 { return s.Peak * s.Factor(step) }
