package quant

import (
	"math"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// fixture reads testdata/nf4.safetensors (testdata/make_fixtures.py).
type fixture struct {
	t *testing.T
	r *checkpoint.Reader
}

func open(t *testing.T) fixture {
	t.Helper()
	r, err := checkpoint.Open("testdata/nf4.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return fixture{t, r}
}

func (f fixture) floats(name string) []float32 {
	f.t.Helper()
	v, err := f.r.Float32(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

func (f fixture) bytes(name string) []byte {
	f.t.Helper()
	v, err := f.r.Bytes(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

func TestEqualsBitsandbytes(t *testing.T) {
	f := open(t)
	for _, name := range []string{"normal", "tail", "wide", "special"} {
		w := Quantise(f.floats(name + ".weight"))
		equal(t, name+" codes", w.Codes, f.bytes(name+".codes"))
		equal(t, name+" absmax", w.Absmax, f.floats(name+".absmax"))

		exact := *w
		w.Nest()
		offset := f.floats(name + ".offset")[0]
		// torch sums in float32 in another order.
		if d := math.Abs(float64(w.Nested.Offset - offset)); d > 1e-6*float64(offset) {
			t.Errorf("%s: offset %g, want %g", name, w.Nested.Offset, offset)
		}
		exact.nestAt(offset)
		equal(t, name+" nested codes", exact.Nested.Codes, f.bytes(name+".nested_codes"))
		equal(t, name+" nested absmax", exact.Nested.Absmax, f.floats(name+".nested_absmax"))
		equal(t, name+" scales", exact.Scales(), f.floats(name+".scales"))
		equal(t, name+" dequantised", exact.Dequantise(), f.floats(name+".dequantised"))
	}
}

func TestDynamicMapAndItsRoundingEqualBitsandbytes(t *testing.T) {
	f := open(t)
	equal(t, "map", Map, f.floats("map"))
	codes, absmax := blockwise(f.floats("blockwise.values"), NestedBlock, nestedBounds)
	equal(t, "codes", codes, f.bytes("blockwise.codes"))
	equal(t, "absmax", absmax, f.floats("blockwise.absmax"))
}

// The thresholds of csrc/kernels.cu, dQuantizeNF4, are these midpoints but for
// the last bit of some, since the portable kernel rounds the sum to float32.
func TestBoundsAreThoseOfTheKernel(t *testing.T) {
	kernel := []float32{-0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544,
		-0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767, 0.1202552504837513,
		0.2035212516784668, 0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011}
	for i, b := range bounds {
		if kernel[i] < math.Nextafter32(b, -2) || kernel[i] > math.Nextafter32(b, 2) {
			t.Errorf("bound %d is %v, the kernel's %v", i, b, kernel[i])
		}
		if above := math.Nextafter32(b, 2); nearest(bounds, b) != byte(i) || nearest(bounds, above) != byte(i+1) {
			t.Errorf("the bound %g belongs to the code below it alone", b)
		}
	}
}

func TestEveryCodeValueStaysWhatItIs(t *testing.T) {
	w := Quantise(compute.NF4Table[:])
	equal(t, "values", w.Dequantise(), compute.NF4Table[:])
}

func TestBitsPerParameter(t *testing.T) {
	w := Quantise(make([]float32, 4096*4096))
	if got := 8 * float64(w.Bytes()) / float64(w.Len); got != 4.5 {
		t.Errorf("%g bits with exact scales", got)
	}
	w.Nest()
	if got := 8 * float64(w.Bytes()) / float64(w.Len); math.Abs(got-4.127) > 5e-4 {
		t.Errorf("%g bits, the paper says 4.127", got)
	}
}

func load(t *testing.T, engine string, threads int, family string) *model.Model {
	t.Helper()
	e, err := compute.Open(engine, threads)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load("../../llm/model/testdata/"+family, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func logits(m *model.Model) []float32 {
	t := autograd.NewTape(m.Engine(), false)
	defer t.Release()
	return m.Logits(t, m.Hidden(t, model.Pack([]int{1, 5, 9, 33, 2, 60, 7}, []int{4}))).Value()
}

// A frozen model computes what a model with the dequantised weights in their
// place does: the engine's tolerance for a product is 1e-5 of values near 1.
func TestFreezeComputesWithTheDequantisedWeights(t *testing.T) {
	for _, engine := range []string{"ref", "cpu"} {
		for _, family := range []string{"llama", "gpt2"} {
			t.Run(engine+" "+family, func(t *testing.T) {
				plain, frozen := load(t, engine, 1, family), load(t, engine, 1, family)
				base := logits(plain)
				for _, l := range plain.Linears() {
					w := Quantise(l.W.Data())
					w.Nest()
					l.W.Set(w.Dequantise())
				}
				before := frozen.ParamCount()
				r, err := Freeze(frozen)
				if err != nil {
					t.Fatal(err)
				}
				want, got := logits(plain), logits(frozen)
				worst, moved := 0.0, 0.0
				for i := range want {
					worst = max(worst, math.Abs(float64(want[i]-got[i])))
					moved = max(moved, math.Abs(float64(base[i]-got[i])))
				}
				if worst > 1e-5 || moved < 1e-2 {
					t.Errorf("the largest difference is %g from the dequantised model and %g from the exact one", worst, moved)
				}
				if frozen.ParamCount() != before || r.Params == 0 || r.InUse <= r.Stored {
					t.Errorf("%d weights, before %d; %+v", frozen.ParamCount(), before, r)
				}
				if b := r.BitsPerParam(); b < 4.1 || b > 4.3 {
					t.Errorf("%g bits a parameter", b)
				}
				for _, p := range frozen.Params() {
					if p.Trainable {
						t.Errorf("%s is trainable", p.Name)
					}
				}
				once := logits(frozen)
				if again, err := Freeze(frozen); err != nil || again != r || !slices.Equal(logits(frozen), once) {
					t.Errorf("freezing a frozen model gave %+v (%v), or changed it", again, err)
				}
			})
		}
	}
}

func TestFreezeIsDeterministic(t *testing.T) {
	a, b := load(t, "cpu", 1, "llama"), load(t, "cpu", 2, "llama")
	for _, m := range []*model.Model{a, b} {
		if _, err := Freeze(m); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(logits(a), logits(b)) {
		t.Error("one and two threads give different bits")
	}
}
