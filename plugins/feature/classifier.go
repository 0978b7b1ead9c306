package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/features"
)

// Classifiers.
const (
	logistic = "logistic" // multinomial logistic regression
	svm      = "svm"      // one against the rest, squared hinge
	mlp      = "mlp"      // one hidden layer of tanh units
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

// weights is how many numbers W holds.
func (c *classifier) weights() int {
	if c.Kind == mlp {
		return c.Hidden*(c.In+1) + c.Labels*(c.Hidden+1)
	}
	return c.Labels * (c.In + 1)
}

// check refuses a stored classifier whose parts do not fit each other.
func (c *classifier) check(labels int) error {
	switch {
	case c.Labels != labels:
		return fmt.Errorf("it knows %d labels, the task has %d", c.Labels, labels)
	case len(c.Mean) != c.In || len(c.Scale) != c.In || len(c.W) != c.weights():
		return fmt.Errorf("its mean, scale and weights do not fit %d features", c.In)
	}
	return nil
}

// standardise learns mean and scale on x [n, in] alone (scikit-learn's
// StandardScaler: population variance).
func (c *classifier) standardise(x []features.Row) {
	c.Mean, c.Scale = make([]float64, c.In), make([]float64, c.In)
	n := float64(len(x))
	for _, r := range x {
		for j, v := range r.X {
			c.Mean[j] += v / n
		}
	}
	for _, r := range x {
		for j, v := range r.X {
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

func (c *classifier) apply(x []float64) []float64 {
	out := make([]float64, len(x))
	for j, v := range x {
		out[j] = (v - c.Mean[j]) / c.Scale[j]
	}
	return out
}

// scores gives a score per label of one text's raw features.
func (c *classifier) scores(x []float64) []float64 {
	z, out := c.apply(x), make([]float64, c.Labels)
	if c.Kind == mlp {
		c.forwardMLP(c.W, z, make([]float64, c.Hidden), out)
	} else {
		linear(c.W, z, out)
	}
	return out
}

// fit standardises and solves. C weighs the data against the L2 penalty as in
// scikit-learn: 0.5 ||w||^2 + C sum(loss); biases are free.
func (c *classifier) fit(x []features.Row, y []int, cost float64, rng *rand.Rand) (solution, error) {
	c.standardise(x)
	z := make([][]float64, len(x))
	for i := range x {
		z[i] = c.apply(x[i].X)
	}
	limit := 5000
	var objective func(w, grad []float64) float64
	c.W = make([]float64, c.weights())
	switch c.Kind {
	case logistic:
		objective = func(w, g []float64) float64 { return c.linearObjective(w, g, z, y, cost, softmaxLoss) }
	case svm:
		objective = func(w, g []float64) float64 { return c.linearObjective(w, g, z, y, cost, squaredHinge) }
	case mlp:
		c.initMLP(rng)
		limit = 500 // of the order of MLPClassifier's 200: it need not reach a minimum
		objective = func(w, g []float64) float64 { return c.mlpObjective(w, g, z, y, cost) }
	default:
		return solution{}, fmt.Errorf("unknown classifier %q", c.Kind)
	}
	s, err := solve(c.W, len(x), limit, objective)
	c.W = s.w
	// Forward and backward are about two operations each for a weight and example.
	s.flops = 4 * float64(s.evaluations) * float64(len(x)) * float64(len(c.W))
	return s, err
}
