package main

import (
	"math"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/features"
	"github.com/tunelab/tunelab/framework/spec"
)

// two are one feature of two examples, already standardised: -1 of label 0, 1
// of label 1.
func two() ([]features.Row, []int) {
	return []features.Row{{X: []float64{-1}}, {X: []float64{1}}}, []int{0, 1}
}

// Two symmetric examples have a solution by hand. Of logistic regression
// w = w_1 = -w_0 minimises w^2 + 2 C ln(1 + e^-2w), so w = 2 C / (1 + e^2w).
// The SVM's w minimises w^2/2 + 2 C (1-w)^2 for each label, so w = 4 C / (1 + 4 C).
func TestSolutionsByHand(t *testing.T) {
	for _, cost := range []float64{0.01, 1, 30} {
		x, y := two()
		c := &classifier{Kind: logistic, Labels: 2, In: 1}
		s, err := c.fit(x, y, cost, nil)
		if err != nil || !s.converged {
			t.Fatalf("C %g: %v, %+v", cost, err, s)
		}
		w := c.W[2]
		if want := 2 * cost / (1 + math.Exp(2*w)); math.Abs(w-want) > 1e-5 || math.Abs(c.W[0]+w) > 1e-5 {
			t.Errorf("logistic, C %g: weights %v, expected +-%g", cost, c.W, want)
		}
		if math.Abs(c.W[3]-c.W[1]) > 1e-5 {
			t.Errorf("logistic, C %g: biases %g and %g favour a label", cost, c.W[1], c.W[3])
		}
		want := (w*w + 2*cost*math.Log1p(math.Exp(-2*w))) / 2
		if math.Abs(s.objective-want) > 1e-9 {
			t.Errorf("logistic, C %g: objective %g per example, expected %g", cost, s.objective, want)
		}

		c = &classifier{Kind: svm, Labels: 2, In: 1}
		if s, err := c.fit(x, y, cost, nil); err != nil || !s.converged {
			t.Fatalf("C %g: %v, %+v", cost, err, s)
		}
		if want := 4 * cost / (1 + 4*cost); math.Abs(c.W[2]-want) > 1e-5 || math.Abs(c.W[0]+want) > 1e-5 {
			t.Errorf("svm, C %g: weights %v, expected +-%g", cost, c.W, want)
		}
	}
}

// blobs are n examples of d features, three labels.
func blobs(n, d int) (x []features.Row, y []int) {
	rng := spec.Stream(5, "blobs")
	for i := range n {
		f := make([]float64, d)
		for j := range f {
			f[j] = rng.NormFloat64() * 3
			if j == i%3 {
				f[j] += 4
			}
		}
		x, y = append(x, features.Row{X: f}), append(y, i%3)
	}
	return x, y
}

// At the solution every partial derivative of 0.5 ||w||^2 + C sum(loss),
// taken here by differences of the objective, is zero.
func TestSolvedToConvergence(t *testing.T) {
	x, y := blobs(60, 4)
	for _, kind := range []string{logistic, svm} {
		c := &classifier{Kind: kind, Labels: 3, In: 4}
		s, err := c.fit(x, y, 0.5, nil)
		if err != nil || !s.converged || s.gradient > 1e-5 {
			t.Fatalf("%s: %v, %+v", kind, err, s)
		}
		loss := map[string]func(s []float64, y int, ds []float64) float64{logistic: softmaxLoss, svm: squaredHinge}[kind]
		value := func() float64 {
			total, ds := 0.0, make([]float64, 3)
			for i, w := range c.W {
				if i%5 != 4 { // biases are free
					total += w * w / 2
				}
			}
			for i, r := range x {
				total += 0.5 * loss(c.scores(r.X), y[i], ds)
			}
			return total
		}
		for i := range c.W {
			w, h := c.W[i], 1e-5
			c.W[i] = w + h
			up := value()
			c.W[i] = w - h
			down := value()
			c.W[i] = w
			if d := (up - down) / (2 * h); math.Abs(d) > 1e-3 {
				t.Errorf("%s: the objective falls by %g along weight %d", kind, d, i)
			}
		}
	}
}

// The gradient of every objective against central differences; the tolerance is
// that of the differences.
func TestGradients(t *testing.T) {
	x, y := blobs(9, 3)
	var z [][]float64
	for _, r := range x {
		z = append(z, r.X)
	}
	for _, kind := range []string{logistic, svm, mlp} {
		c := &classifier{Kind: kind, Labels: 3, In: 3, Hidden: 4}
		c.W = make([]float64, c.weights())
		c.initMLP(spec.Stream(2, "w")) // any weights do
		objective := func(w, g []float64) float64 {
			switch kind {
			case logistic:
				return c.linearObjective(w, g, z, y, 0.3, softmaxLoss)
			case svm:
				return c.linearObjective(w, g, z, y, 0.3, squaredHinge)
			}
			return c.mlpObjective(w, g, z, y, 0.3)
		}
		grad, none := make([]float64, len(c.W)), make([]float64, len(c.W))
		objective(c.W, grad)
		for i := range c.W {
			w, h := slices.Clone(c.W), 1e-6
			w[i] += h
			up := objective(w, none)
			w[i] -= 2 * h
			if d := (up - objective(w, none)) / (2 * h); math.Abs(d-grad[i]) > 1e-6*(1+math.Abs(d)) {
				t.Errorf("%s: derivative %d is %g, by differences %g", kind, i, grad[i], d)
			}
		}
	}
}

// Only the perceptron can tell exclusive or.
func TestPerceptronBendsTheBoundary(t *testing.T) {
	x := []features.Row{{X: []float64{0, 0}}, {X: []float64{0, 1}}, {X: []float64{1, 0}}, {X: []float64{1, 1}}}
	y := []int{0, 1, 1, 0}
	for kind, want := range map[string]float64{mlp: 1, logistic: 0.75} {
		c := &classifier{Kind: kind, Labels: 2, In: 2, Hidden: 8}
		if _, err := c.fit(x, y, 100, spec.Stream(1, spec.StreamInit)); err != nil {
			t.Fatal(err)
		}
		if acc := c.accuracy(x, y); kind == mlp && acc != want || kind == logistic && acc > want {
			t.Errorf("%s is right on %g", kind, acc)
		}
	}
}

func TestStandardise(t *testing.T) {
	c := &classifier{In: 2}
	c.standardise([]features.Row{{X: []float64{1, 7}}, {X: []float64{3, 7}}, {X: []float64{5, 7}}})
	if math.Abs(c.Mean[0]-3)+math.Abs(c.Mean[1]-7) > 1e-12 {
		t.Errorf("mean %v", c.Mean)
	}
	// Population variance, (4+0+4)/3; a constant feature keeps its scale.
	if math.Abs(c.Scale[0]-math.Sqrt(8.0/3)) > 1e-12 || c.Scale[1] != 1 {
		t.Errorf("scale %v", c.Scale)
	}
}

func TestAnUnsolvedProblemSaysSo(t *testing.T) {
	x, y := blobs(60, 4)
	c := &classifier{Kind: logistic, Labels: 3, In: 4, W: make([]float64, 15)}
	c.standardise(x)
	var z [][]float64
	for _, r := range x {
		z = append(z, c.apply(r.X))
	}
	s, err := solve(c.W, len(x), 2, func(w, g []float64) float64 { return c.linearObjective(w, g, z, y, 10, softmaxLoss) })
	if err != nil || s.converged || s.iterations != 2 || s.gradient < solvedTolerance {
		t.Errorf("after two iterations: %v, %+v", err, s)
	}
}
