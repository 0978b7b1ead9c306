package cpu

import (
	"errors"
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// What a machine has not got is a *compute.MemoryError, and the engine goes on.
func TestNoMemory(t *testing.T) {
	e, err := New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	kept := e.Alloc(compute.F32, 1000)
	inUse := e.InUse()
	e.mem.available = func() int64 { return spared + 8<<20 }
	for _, n := range []int{3 << 20, 1 << 50, math.MaxInt / 2, math.MaxInt, -1} {
		for what, alloc := range map[string]func(){
			"Alloc":    func() { e.Alloc(compute.F32, n) },
			"AllocRaw": func() { e.AllocRaw(compute.F32, n) },
			"lazy":     func() { e.AllocLazy(compute.F32, n, func(any) error { return nil }).(*buffer).memory() },
		} {
			err := compute.Recover(func() error { alloc(); return nil })
			var m *compute.MemoryError
			if !errors.As(err, &m) || m.Bytes < 12<<20 || m.InUse != inUse {
				t.Errorf("%s of %d: %v", what, n, err)
			}
		}
	}
	e.mem.available = func() int64 { return -1 } // then the allocator alone says no
	var m *compute.MemoryError
	if err := compute.Recover(func() error { e.AllocRaw(compute.F32, 1<<50); return nil }); !errors.As(err, &m) || m.Bytes != 4<<50 {
		t.Errorf("%v", err)
	}
	e.mem.available = func() int64 { return 0 }
	e.Free(e.Alloc(compute.F32, 1<<18)) // too small to ask about
	if e.Free(kept); e.InUse() != 0 {
		t.Errorf("%d bytes in use", e.InUse())
	}
}

// Freed blocks of other sizes go back to the system before there is no memory.
func TestFreedBlocksMakeRoom(t *testing.T) {
	e, err := New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.mem.available = func() int64 { return spared + 20<<20 - e.mem.held }
	e.Free(e.AllocRaw(compute.F32, 3<<20))
	if e.Held() != 12<<20 {
		t.Errorf("%d bytes held", e.Held())
	}
	if err := compute.Recover(func() error { e.AllocRaw(compute.F32, 4<<20); return nil }); err != nil || e.Held() != 16<<20 {
		t.Errorf("%v, %d bytes held", err, e.Held())
	}
}

// A lazy buffer that could not be filled gives its memory back, and tries again.
func TestFillFails(t *testing.T) {
	e, err := New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	broken := errors.New("broken")
	fails := true
	b := e.AllocLazy(compute.F32, 3, func(dst any) error {
		if fails {
			return broken
		}
		copy(dst.([]float32), []float32{1, 2, 3})
		return nil
	})
	got := make([]float32, 3)
	read := func() error { return compute.Recover(func() error { e.Download(got, b); return nil }) }
	var f *compute.FillError
	for range 2 {
		if err := read(); !errors.Is(err, broken) || !errors.As(err, &f) || e.InUse() != 0 {
			t.Errorf("%v, %d bytes in use", err, e.InUse())
		}
	}
	fails = false
	if err := read(); err != nil || got[2] != 3 {
		t.Errorf("%v, %v", got, err)
	}
}
