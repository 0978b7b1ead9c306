package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gorgonia.org/tensor"

	"github.com/tunelab/tunelab/framework/bench"
)

// gemmTable holds GFLOP/s: for each shape a row, for each library a figure of
// every round.
type gemmTable struct {
	shapes   []product
	rates    []map[string][]float64
	peaks    []float64 // of the fused multiply-adds, of every round
	machine  bench.Machine
	versions map[string]string
}

// product is C[M,N] = op(A) op(B), as the op gemm has it.
type product struct {
	what    string
	m, n, k int
	ta, tb  int
}

// libraries in the order of the table's columns.
var libraries = []struct{ key, title string }{
	{"ours", "tunelab f32"}, {"openblas_f32", "OpenBLAS f32"}, {"torch_f32", "torch.mm f32"}, {"onednn_f32", "oneDNN f32, packed"}, {"onednn_bf16", "oneDNN bf16, packed"},
	{"gonum", "gonum f32"}, {"gorgonia", "gorgonia f32"},
}

// perShape is the time for one library on one shape in a round.
const perShape = 300 * time.Millisecond

func (r *run) gemm(ctx context.Context) (*gemmTable, error) {
	runtime.GOMAXPROCS(r.threads) // of gonum and gorgonia
	t := &gemmTable{}
	for round := range r.rounds {
		var k bench.KernelReport
		if err := output(ctx, &k, r.tunelab, "bench", "kernels", "--op", "gemm", "--threads", fmt.Sprint(r.threads), "--span", perShape.String(), "--json"); err != nil {
			return nil, err
		}
		t.peaks, t.machine = append(t.peaks, k.FMA), k.Machine
		if round == 0 {
			for _, x := range k.Kernels {
				if x.Op == "gemm" {
					t.shapes, t.rates = append(t.shapes, parse(x)), append(t.rates, map[string][]float64{})
				}
			}
		}
		i := 0
		for _, x := range k.Kernels {
			if x.Op == "gemm" {
				t.add(i, "ours", x.GFLOPS)
				i++
			}
		}
		if err := t.torch(ctx, r); err != nil {
			return nil, err
		}
		for i, p := range t.shapes {
			t.add(i, "gonum", p.rate(gonum(p)))
			t.add(i, "gorgonia", p.rate(gorgonia(p)))
		}
		fmt.Fprintf(os.Stderr, "round %d, gemm\n", round+1)
	}
	return t, nil
}

func (t *gemmTable) add(shape int, library string, rate float64) {
	t.rates[shape][library] = append(t.rates[shape][library], rate)
}

func (t *gemmTable) torch(ctx context.Context, r *run) error {
	shapes := make([][5]int, len(t.shapes))
	for i, p := range t.shapes {
		shapes[i] = [5]int{p.m, p.n, p.k, p.ta, p.tb}
	}
	raw, err := json.Marshal(map[string]any{"gemm": map[string]any{"shapes": shapes, "seconds": perShape.Seconds(), "threads": r.threads}})
	if err != nil {
		return err
	}
	var out struct {
		Gemm     []map[string]float64
		Versions map[string]string
	}
	if err := output(ctx, &out, r.python, r.script, string(raw)); err != nil {
		return err
	}
	if len(out.Gemm) != len(t.shapes) {
		return fmt.Errorf("%s gave %d shapes of %d", r.script, len(out.Gemm), len(t.shapes))
	}
	t.versions = out.Versions
	for i, rates := range out.Gemm {
		for library, rate := range rates {
			t.add(i, library, rate)
		}
	}
	return nil
}

// parse reads a shape as bench kernels writes it.
func parse(k bench.KernelRate) product {
	p := product{what: k.What}
	at := map[string]*int{"M": &p.m, "N": &p.n, "K": &p.k, "ta": &p.ta, "tb": &p.tb}
	for _, part := range strings.Fields(k.Shape) {
		name, value, _ := strings.Cut(part, "=")
		if v := at[name]; v != nil {
			fmt.Sscan(value, v)
		}
	}
	return p
}

// rate is the GFLOP/s of the fastest call, of one at least.
func (p product) rate(call func()) float64 {
	best := time.Duration(0)
	for start := time.Now(); best == 0 || time.Since(start) < perShape; {
		t := time.Now()
		call()
		if d := time.Since(t); best == 0 || d < best {
			best = d
		}
	}
	return 2 * float64(p.m) * float64(p.n) * float64(p.k) / best.Seconds() / 1e9
}

// matrix is stored as [rows, cols], or transposed.
func matrix(rows, cols, transposed int) blas32.General {
	if transposed == 1 {
		rows, cols = cols, rows
	}
	m := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
	for i := range m.Data {
		m.Data[i] = float32(i%7) / 8
	}
	return m
}

func gonum(p product) func() {
	form := map[int]blas.Transpose{0: blas.NoTrans, 1: blas.Trans}
	a, b, c := matrix(p.m, p.k, p.ta), matrix(p.k, p.n, p.tb), matrix(p.m, p.n, 0)
	return func() { blas32.Gemm(form[p.ta], form[p.tb], 1, a, b, 0, c) }
}

func gorgonia(p product) func() {
	dense := func(m blas32.General, transposed int) *tensor.Dense {
		d := tensor.New(tensor.WithShape(m.Rows, m.Cols), tensor.WithBacking(m.Data))
		if transposed == 1 {
			if err := d.T(); err != nil {
				panic(err) // a matrix has a transpose
			}
		}
		return d
	}
	a, b, c := dense(matrix(p.m, p.k, p.ta), p.ta), dense(matrix(p.k, p.n, p.tb), p.tb), dense(matrix(p.m, p.n, 0), 0)
	return func() {
		if _, err := tensor.MatMul(a, b, tensor.WithReuse(c)); err != nil {
			panic(err) // the shapes fit
		}
	}
}
