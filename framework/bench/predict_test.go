package bench

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/spec"
)

// Calls cost in proportion to their work, those of an unknown op as much as the
// others; what was measured once is read from then on.
func TestSeconds(t *testing.T) {
	op, _ := compute.LookupOp("scale")
	ints := [compute.MaxInts]int64{100_000}
	work := float64(compute.CallWork(op, &ints))
	est := spec.Estimate{Calls: []spec.Call{{Op: op.Name, Ints: ints[:], N: 1000, Work: 1000 * work}}}
	dir, on := t.TempDir(), spec.Compute{Threads: 1}
	predict := func() float64 {
		t.Helper()
		s, err := Seconds(t.Context(), dir, est, on)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := predict()
	if first < 1000*1e-6 || first > 10 {
		t.Errorf("1000 passes over 400 kB take %g s", first)
	}
	if again := predict(); again != first {
		t.Errorf("measured again: %g s, then %g s", first, again)
	}
	est.Calls = append(est.Calls, spec.Call{Op: "of a plugin", N: 1000, Work: 1000 * work})
	if both := predict(); math.Abs(both/first-2) > 1e-9 {
		t.Errorf("twice the work takes %g s, once %g s", both, first)
	}
	if s, err := Seconds(t.Context(), dir, est, spec.Compute{Engine: "ref"}); s != 0 || err != nil {
		t.Errorf("the reference engine takes %g s, %v", s, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "cache", "rates-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Seconds(t.Context(), dir, est, on); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a broken file of rates: %v", err)
	}
}
