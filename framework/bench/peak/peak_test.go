package peak

import (
	"runtime"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// Portable C has four lanes at the most and no FMA where it is compiled for
// every processor of its kind; AVX2 has eight, and FMA.
func TestVectorsAreFaster(t *testing.T) {
	portable := FMA("portable", 1)
	if portable < 0.1 {
		t.Fatalf("portable C reaches %g GFLOP/s", portable)
	}
	for _, isa := range cpu.ISAs()[1:] {
		if r := FMA(isa, 1); r < 1.5*portable {
			t.Errorf("%s reaches %.3g GFLOP/s, portable C %.3g", isa, r, portable)
		}
	}
}

func TestReads(t *testing.T) {
	for _, isa := range cpu.ISAs() {
		r := Read(isa, 64<<10, 1)
		if r < 0.5 || r > 2000 {
			t.Errorf("%s reads 64 KiB at %g GB/s", isa, r)
		}
	}
	if r := Read("portable", 3, 2); r <= 0 { // less than a thread's smallest part
		t.Errorf("3 bytes at %g GB/s", r)
	}
}

func TestThreadsAddUp(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core")
	}
	one, two := FMA("portable", 1), FMA("portable", 2)
	if two < 1.2*one || two > 3*one {
		t.Errorf("one thread %.3g GFLOP/s, two %.3g", one, two)
	}
}
