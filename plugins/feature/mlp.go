package main

import (
	"math"
	"math/rand/v2"
)

// The small perceptron: one hidden layer of tanh units. Its weights lie flat:
// [Hidden, In+1] then [Labels, Hidden+1], biases last in each row.

// initMLP draws Glorot-uniform weights (Glorot and Bengio 2010, equation 16).
func (c *classifier) initMLP(rng *rand.Rand) []float64 {
	w := make([]float64, c.Hidden*(c.In+1)+c.Labels*(c.Hidden+1))
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
	return w
}

// forwardMLP gives label scores and hidden activations of a standardised row.
func (c *classifier) forwardMLP(w, z []float64) (scores, hidden []float64) {
	first := c.Hidden * (c.In + 1)
	hidden = linear(w[:first], z, c.Hidden)
	for i, v := range hidden {
		hidden[i] = math.Tanh(v)
	}
	return linear(w[first:], hidden, c.Labels), hidden
}

// mlpObjective is 0.5 ||w||^2 + cost * sum of log-losses, biases free.
func (c *classifier) mlpObjective(w, grad []float64, z [][]float64, y []int, cost float64) float64 {
	first := c.Hidden * (c.In + 1)
	clear(grad)
	total := 0.0
	for i, v := range w {
		if (i < first && i%(c.In+1) == c.In) || (i >= first && (i-first)%(c.Hidden+1) == c.Hidden) {
			continue
		}
		total += 0.5 * v * v
		if grad != nil {
			grad[i] = v
		}
	}
	ds := make([]float64, c.Labels)
	for i, row := range z {
		scores, hidden := c.forwardMLP(w, row)
		total += cost * softmaxLoss(scores, y[i], ds)
		if grad == nil {
			continue
		}
		dh := make([]float64, c.Hidden)
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
