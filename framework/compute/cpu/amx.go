package cpu

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/tunelab/tunelab/framework/compute"
)

// amxIsExact checks, once, that the tile unit gives the bits of its emulation,
// on a product with tails, large and small numbers. A processor on which it does
// not, an emulator say, is used without it.
var amxIsExact = sync.OnceValue(func() bool {
	const m, n, k = 37, 45, 833
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(9)-4)))
		}
		return x
	}
	a, b := draw(m*k), draw(n*k)
	product := func(isa string) []float32 {
		e, err := open(1, isa)
		if err != nil {
			return nil
		}
		defer e.Close()
		x, w, y := e.Alloc(compute.F32, m*k), e.Alloc(compute.F32, n*k), e.Alloc(compute.F32, m*n)
		e.Upload(x, a)
		e.Upload(w, b)
		if compute.Call(e, compute.GemmBF16, []compute.Buffer{x, w, nil, y}, []int64{m, n, k, 0, 1, 0}, nil) != nil {
			return nil
		}
		c := make([]float32, m*n)
		e.Download(c, y)
		return c
	}
	tiles, emulated := product("amx"), product("avx512")
	for i := range tiles {
		if math.Float32bits(tiles[i]) != math.Float32bits(emulated[i]) {
			return false
		}
	}
	return tiles != nil && emulated != nil
})
