package compute_test

import (
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// A rehearsal takes the memory that the engine would, by its blocks, and none:
// what waits for its first use counts from then on, what is freed is used again.
func TestRehearsalCountsMemoryAndCalls(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := compute.NewRehearsal(e)
	filled := 0
	lazy := r.AllocLazy(compute.F32, 1000, func(any) error { filled++; return nil })
	early := r.AllocLazy(compute.F32, 1000, func(any) error { filled++; return nil })
	r.Download(make([]float32, 1000), early)
	if r.Resident() != 4000 || filled != 1 {
		t.Fatalf("%d bytes and %d filled before the rehearsal", r.Resident(), filled)
	}
	r.Begin()
	held := e.Held()
	use := func(n int) {
		y := r.AllocRaw(compute.F32, n)
		for range 3 {
			if err := compute.Call(r, compute.Scale, []compute.Buffer{lazy, y}, []int64{1000}, []float64{2, 0}); n == 1000 && err != nil {
				t.Fatal(err)
			}
		}
		r.Free(y)
	}
	use(1000)
	use(1000)
	if r.Resident() != 12000 {
		t.Errorf("%d bytes, expected three of 4000", r.Resident())
	}
	r.Free(r.AllocRaw(compute.F32, 1010)) // of the same class
	if r.Resident() != 12040 {
		t.Errorf("%d bytes after a block took 40 more", r.Resident())
	}
	if e.Held() != held || filled != 1 {
		t.Errorf("the engine took %d bytes, and %d buffers were filled", e.Held()-held, filled)
	}
	r.Repeat(10)
	use(1000)
	list := r.Calls()
	if len(list) != 1 || list[0].Op != "scale" || list[0].N != 36 || list[0].Ints[0] != 1000 || r.Made() != 9 {
		t.Fatalf("calls %+v, %d made", list, r.Made())
	}
	if want := 36 * float64(compute.CallWork(compute.Scale, &list[0].Ints)); list[0].Work != want {
		t.Errorf("work of %g, expected %g", list[0].Work, want)
	}
}

// Sizes that differ little are one entry, with the largest of them.
func TestCallsOfAboutTheSameSize(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := compute.NewRehearsal(e)
	r.Begin()
	for _, n := range []int64{1030, 1100, 1050, 4000} {
		x := r.AllocRaw(compute.F32, int(n))
		if err := compute.Call(r, compute.Scale, []compute.Buffer{x, x}, []int64{n}, []float64{2, 0}); err != nil {
			t.Fatal(err)
		}
	}
	list := r.Calls()
	if len(list) != 2 || list[0].Ints[0] != 4000 || list[1].Ints[0] != 1100 || list[1].N != 3 {
		t.Errorf("%+v", list)
	}
}
