package peak

import (
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

// BenchmarkThreads reports what a second thread adds to the first one's rate.
func BenchmarkThreads(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(FMA("portable", 2)/FMA("portable", 1), "x")
	}
}
