package cpu

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// A lazy buffer is filled once, whichever of many first uses at once comes first,
// and not at all once it was freed.
func TestLazyBuffersFillOnce(t *testing.T) {
	e := engine(t, 1, "")
	const n = 1000
	floats, ints, bytes := make([]float32, n), make([]int32, n), make([]uint8, n)
	for i := range n {
		floats[i], ints[i], bytes[i] = float32(i)/3, int32(-i), uint8(i)
	}
	var fills atomic.Int32
	b := [3]compute.Buffer{
		e.AllocLazy(compute.F32, n, func(dst any) error { fills.Add(1); copy(dst.([]float32), floats); return nil }),
		e.AllocLazy(compute.I32, n, func(dst any) error { fills.Add(1); copy(dst.([]int32), ints); return nil }),
		e.AllocLazy(compute.U8, n, func(dst any) error { fills.Add(1); copy(dst.([]uint8), bytes); return nil }),
	}
	if e.InUse() != 0 {
		t.Errorf("%d bytes in use before the first use", e.InUse())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			f, i, u := make([]float32, n), make([]int32, n), make([]uint8, n)
			e.Download(f, b[0])
			e.Download(i, b[1])
			e.Download(u, b[2])
			if !slices.Equal(f, floats) || !slices.Equal(i, ints) || !slices.Equal(u, bytes) {
				t.Error("a first use gave other values")
			}
		})
	}
	all.Wait()
	if fills.Load() != 3 {
		t.Errorf("3 buffers were filled %d times", fills.Load())
	}
	never := e.AllocLazy(compute.F32, n, func(any) error { fills.Add(1); return nil })
	for _, x := range append(b[:], never) {
		e.Free(x)
	}
	if fills.Load() != 3 || e.InUse() != 0 {
		t.Errorf("after Free %d fills, %d bytes in use", fills.Load(), e.InUse())
	}
}
