package main

import "math"

// linear gives out[k] = w[k] z + bias of rows [len(out), len(z)+1], bias last.
func linear(w, z, out []float64) {
	d := len(z)
	for k := range out {
		row := w[k*(d+1) : (k+1)*(d+1)]
		s := row[d]
		for j, v := range z {
			s += row[j] * v
		}
		out[k] = s
	}
}

// linearObjective is 0.5 ||w||^2 + cost * sum of losses; grad is assigned.
func (c *classifier) linearObjective(w, grad []float64, z [][]float64, y []int, cost float64, loss func(s []float64, y int, ds []float64) float64) float64 {
	d := c.In
	total := 0.0
	for i, v := range w {
		if grad[i] = 0; i%(d+1) != d {
			total += 0.5 * v * v
			grad[i] = v
		}
	}
	scores, ds := make([]float64, c.Labels), make([]float64, c.Labels)
	for i, row := range z {
		linear(w, row, scores)
		total += cost * loss(scores, y[i], ds)
		for k, g := range ds {
			if g == 0 {
				continue
			}
			g *= cost
			out := grad[k*(d+1) : (k+1)*(d+1)]
			for j, v := range row {
				out[j] += g * v
			}
			out[d] += g
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
