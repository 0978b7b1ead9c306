package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/optimize"
)

// classifier is a fitted model over standardised features. Weights are
// row-major; scores are one real number per label, larger is better.
type classifier struct {
	Kind   string    `json:"kind"`
	Labels int       `json:"labels"`
	In     int       `json:"in"`
	Hidden int       `json:"hidden,omitempty"` // mlp
	Mean   []float64 `json:"mean"`             // [In], of the training split
	Scale  []float64 `json:"scale"`            // [In], standard deviation; 1 for a constant feature
	W      []float64 `json:"w"`                // logistic, svm: [Labels, In+1], bias last; mlp: see mlp.go
}

// standardise learns mean and scale on x [n, in] alone (scikit-learn's
// StandardScaler: population variance).
func (c *classifier) standardise(x [][]float64) {
	c.Mean, c.Scale = make([]float64, c.In), make([]float64, c.In)
	n := float64(len(x))
	for _, row := range x {
		for j, v := range row {
			c.Mean[j] += v / n
		}
	}
	for _, row := range x {
		for j, v := range row {
			d := v - c.Mean[j]
			c.Scale[j] += d * d / n
		}
	}
	for j, v := range c.Scale {
		if c.Scale[j] = math.Sqrt(v); c.Scale[j] < 1e-12 {
			c.Scale[j] = 1
		}
	}
}

func (c *classifier) apply(row []float64) []float64 {
	out := make([]float64, len(row))
	for j, v := range row {
		out[j] = (v - c.Mean[j]) / c.Scale[j]
	}
	return out
}

// scores gives a score per label of one raw feature row.
func (c *classifier) scores(row []float64) []float64 {
	z := c.apply(row)
	if c.Kind == "mlp" {
		out, _ := c.forwardMLP(c.W, z)
		return out
	}
	return linear(c.W, z, c.Labels)
}

func linear(w, z []float64, labels int) []float64 {
	d := len(z)
	out := make([]float64, labels)
	for k := range out {
		row := w[k*(d+1) : (k+1)*(d+1)]
		s := row[d]
		for j, v := range z {
			s += row[j] * v
		}
		out[k] = s
	}
	return out
}

// fit trains to convergence with L-BFGS. C weighs the data against the L2
// penalty as in scikit-learn: 0.5 ||w||^2 + C sum(loss); biases are free.
func (c *classifier) fit(x [][]float64, y []int, cost float64, rng *rand.Rand) (iterations int, err error) {
	c.standardise(x)
	z := make([][]float64, len(x))
	for i := range x {
		z[i] = c.apply(x[i])
	}
	var objective func(w, grad []float64) float64
	switch c.Kind {
	case "logistic":
		c.W = make([]float64, c.Labels*(c.In+1))
		objective = func(w, g []float64) float64 { return c.linearObjective(w, g, z, y, cost, softmaxLoss) }
	case "svm":
		c.W = make([]float64, c.Labels*(c.In+1))
		objective = func(w, g []float64) float64 { return c.linearObjective(w, g, z, y, cost, squaredHinge) }
	case "mlp":
		c.W = c.initMLP(rng)
		objective = func(w, g []float64) float64 { return c.mlpObjective(w, g, z, y, cost) }
	default:
		return 0, fmt.Errorf("unknown classifier %q", c.Kind)
	}
	n := float64(len(x))
	problem := optimize.Problem{
		Func: func(w []float64) float64 { return objective(w, nil) / n },
		Grad: func(g, w []float64) {
			objective(w, g)
			for i := range g {
				g[i] /= n
			}
		},
	}
	settings := &optimize.Settings{GradientThreshold: 1e-5, MajorIterations: 2000,
		Converger: &optimize.FunctionConverge{Absolute: 1e-9, Relative: 1e-9, Iterations: 20}}
	res, err := optimize.Minimize(problem, c.W, settings, &optimize.LBFGS{Store: 10})
	if res == nil {
		return 0, fmt.Errorf("L-BFGS could not start: %w", err)
	}
	c.W = res.X
	if err != nil && res.Status != optimize.Failure { // a line search at machine precision has converged
		return res.MajorIterations, fmt.Errorf("L-BFGS did not converge: %w", err)
	}
	if res.Status == optimize.IterationLimit && c.Kind != "mlp" {
		return res.MajorIterations, fmt.Errorf("L-BFGS did not converge in %d iterations: lower C", res.MajorIterations)
	}
	return res.MajorIterations, nil
}

// linearObjective is 0.5 ||w||^2 + cost * sum of losses; grad may be nil.
func (c *classifier) linearObjective(w, grad []float64, z [][]float64, y []int, cost float64, loss func(s []float64, y int, ds []float64) float64) float64 {
	d := c.In
	total := 0.0
	clear(grad)
	for k := range c.Labels {
		for j := range d {
			v := w[k*(d+1)+j]
			total += 0.5 * v * v
			if grad != nil {
				grad[k*(d+1)+j] = v
			}
		}
	}
	ds := make([]float64, c.Labels)
	for i, row := range z {
		total += cost * loss(linear(w, row, c.Labels), y[i], ds)
		if grad == nil {
			continue
		}
		for k, g := range ds {
			if g == 0 {
				continue
			}
			out := grad[k*(d+1) : (k+1)*(d+1)]
			for j, v := range row {
				out[j] += cost * g * v
			}
			out[d] += cost * g
		}
	}
	return total
}

// softmaxLoss is the multinomial log-loss; ds is d loss / d scores.
func softmaxLoss(s []float64, y int, ds []float64) float64 {
	top := s[0]
	for _, v := range s {
		top = max(top, v)
	}
	sum := 0.0
	for k, v := range s {
		ds[k] = math.Exp(v - top)
		sum += ds[k]
	}
	for k := range ds {
		ds[k] /= sum
	}
	ds[y]--
	return top + math.Log(sum) - s[y]
}

// squaredHinge is the one-against-rest squared hinge loss of LinearSVC.
func squaredHinge(s []float64, y int, ds []float64) float64 {
	total := 0.0
	for k, v := range s {
		t := -1.0
		if k == y {
			t = 1
		}
		m := max(0, 1-t*v)
		total += m * m
		ds[k] = -2 * t * m
	}
	return total
}
