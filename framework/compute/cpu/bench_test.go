package cpu

import (
	"fmt"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// BenchmarkGemm reports GFLOP/s for the shapes of a training step: NT forward,
// NN gradient to the input, TN gradient to the weight.
func BenchmarkGemm(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, s := range []struct {
			m, n, k, ta, tb int64
		}{
			{1024, 3072, 768, 0, 1}, {1024, 768, 3072, 0, 0}, {3072, 768, 1024, 1, 0},
			{512, 512, 512, 0, 1}, {512, 192, 192, 0, 1}, {512, 64, 64, 0, 1}, {512, 64, 172, 0, 0}, {64, 172, 512, 1, 0},
			{2048, 512, 64, 0, 1}, {16, 64, 64, 0, 1}, {1, 512, 64, 0, 1}, {1, 192, 192, 0, 1}, {1, 3072, 768, 0, 1}, {1, 768, 3072, 0, 1}, {1, 50257, 768, 0, 1},
			{2, 3072, 768, 0, 1}, {4, 3072, 768, 0, 1}, {8, 3072, 768, 0, 1}, {12, 3072, 768, 0, 1}, {16, 3072, 768, 0, 1}, {32, 3072, 768, 0, 1},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/t%d%d/threads%d", s.m, s.n, s.k, s.ta, s.tb, threads), func(b *testing.B) {
				e, err := New(threads, "")
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				a := compute.Args{Int: [compute.MaxInts]int64{s.m, s.n, s.k, s.ta, s.tb}}
				a.Buf[0], a.Buf[1], a.Buf[3] = e.Alloc(compute.F32, int(s.m*s.k)), e.Alloc(compute.F32, int(s.n*s.k)), e.Alloc(compute.F32, int(s.m*s.n))
				for b.Loop() {
					if err := compute.Run(e, compute.Gemm, &a); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(2*s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkSmallOp is the overhead of one call.
func BenchmarkSmallOp(b *testing.B) {
	e, err := New(1, "")
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	var a compute.Args
	a.Buf[0], a.Buf[1], a.Int[0] = e.Alloc(compute.F32, 64), e.Alloc(compute.F32, 64), 64
	for b.Loop() {
		_ = compute.Run(e, compute.Exp, &a)
	}
}

// BenchmarkGemmNF4 reports a thousand million weights a second.
func BenchmarkGemmNF4(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, s := range []struct{ m, n, k, tb int64 }{
			{1, 192, 192, 1}, {1, 3072, 768, 1}, {1, 768, 3072, 1}, {4, 3072, 768, 1}, {16, 3072, 768, 1}, {32, 3072, 768, 1}, {256, 3072, 768, 1}, {256, 768, 3072, 0},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/t%d/threads%d", s.m, s.n, s.k, s.tb, threads), func(b *testing.B) {
				e, err := New(threads, "")
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				a := compute.Args{Int: [compute.MaxInts]int64{s.m, s.n, s.k, s.tb}}
				a.Buf[0], a.Buf[1], a.Buf[2] = e.Alloc(compute.F32, int(s.m*s.k)), e.Alloc(compute.U8, int(s.n*s.k/2)), e.Alloc(compute.F32, int(s.n*s.k/64))
				a.Buf[4] = e.Alloc(compute.F32, int(s.m*s.n))
				for b.Loop() {
					if err := compute.Run(e, compute.GemmNF4, &a); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweights/s")
			})
		}
	}
}
