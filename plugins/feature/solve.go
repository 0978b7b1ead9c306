package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// solution is where the solver ended. Objective and gradient are per example.
type solution struct {
	w           []float64
	iterations  int
	evaluations int     // of objective and gradient together
	objective   float64 // at w
	gradient    float64 // largest absolute partial derivative at w
	converged   bool    // the gradient is within tolerance
	flops       float64
}

// The solver stops at a gradient within gradTolerance; where rounding ends the
// line search before, what is within solvedTolerance counts as solved
// (scikit-learn's LogisticRegression: tol 1e-4 on the same measure).
const (
	gradTolerance   = 1e-6
	solvedTolerance = 1e-4
)

// solve minimises objective(w)/n from w by L-BFGS with a memory of ten (Liu and
// Nocedal 1989) in at most limit iterations. objective returns its value and
// assigns its gradient.
func solve(w []float64, n, limit int, objective func(w, grad []float64) float64) (solution, error) {
	var s solution
	at, grad, value := []float64(nil), make([]float64, len(w)), 0.0
	evaluate := func(w []float64) { // value and gradient are asked for one by one, at the same point
		if slices.Equal(at, w) {
			return
		}
		at = append(at[:0], w...)
		value = objective(w, grad) / float64(n)
		for i := range grad {
			grad[i] /= float64(n)
		}
		s.evaluations++
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 { evaluate(w); return value },
		Grad: func(g, w []float64) { evaluate(w); copy(g, grad) },
	}
	settings := &optimize.Settings{GradientThreshold: gradTolerance, MajorIterations: limit, Converger: optimize.NeverTerminate{}}
	res, err := optimize.Minimize(problem, w, settings, &optimize.LBFGS{Store: 10})
	if res == nil {
		return s, fmt.Errorf("L-BFGS could not start: %w", err)
	}
	s.w, s.iterations = res.X, res.MajorIterations
	evaluate(s.w)
	s.objective = value
	for _, g := range grad {
		s.gradient = math.Max(s.gradient, math.Abs(g))
	}
	s.converged = s.gradient <= solvedTolerance
	return s, nil
}
