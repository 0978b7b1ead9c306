package main

import (
	"math"
	"math/rand/v2"
)

// The small perceptron: one hidden layer of tanh units. Its weights lie flat:
// [Hidden, In+1] then [Labels, Hidden+1], biases last in each row.

// initMLP draws Glorot-uniform weights (Glorot and Bengio 2010, equation 16).
func (c *classifier) initMLP(rng *rand.Rand) {
	w := c.W
	a := math.Sqrt(6 / float64(c.In+c.Hidden))
	b := math.Sqrt(6 / float64(c.Hidden+c.Labels))
	first := c.Hidden * (c.In + 1)
	for i := range w {
		u := 2*rng.Float64() - 1
		switch {
		case i < first && i%(c.In+1) != c.In:
			w[i] = a * u
		case i >= first && (i-first)%(c.Hidden+1) != c.Hidden:
			w[i] = b * u
		}
	}
}

// forwardMLP writes the hidden activations and label scores of a standardised
// row.
func (c *classifier) forwardMLP(w, z, hidden, scores []float64) {
	first := c.Hidden * (c.In + 1)
	linear(w[:first], z, hidden)
	for i, v := range hidden {
		hidden[i] = math.Tanh(v)
	}
	linear(w[first:], hidden, scores)
}

// mlpObjective is 0.5 ||w||^2 + cost * sum of log-losses, biases free; grad is
// assigned.
func (c *classifier) mlpObjective(w, grad []float64, z [][]float64, y []int, cost float64) float64 {
	first := c.Hidden * (c.In + 1)
	total := 0.0
	for i, v := range w {
		grad[i] = 0
		if (i < first && i%(c.In+1) == c.In) || (i >= first && (i-first)%(c.Hidden+1) == c.Hidden) {
			continue
		}
		total += 0.5 * v * v
		grad[i] = v
	}
	hidden, dh := make([]float64, c.Hidden), make([]float64, c.Hidden)
	scores, ds := make([]float64, c.Labels), make([]float64, c.Labels)
	for i, row := range z {
		c.forwardMLP(w, row, hidden, scores)
		total += cost * softmaxLoss(scores, y[i], ds)
		clear(dh)
		for k, g := range ds {
			at := first + k*(c.Hidden+1)
			for j, h := range hidden {
				grad[at+j] += cost * g * h
				dh[j] += g * w[at+j]
			}
			grad[at+c.Hidden] += cost * g
		}
		for j, h := range hidden {
			g := cost * dh[j] * (1 - h*h)
			at := j * (c.In + 1)
			for t, v := range row {
				grad[at+t] += g * v
			}
			grad[at+c.In] += g
		}
	}
	return total
}
