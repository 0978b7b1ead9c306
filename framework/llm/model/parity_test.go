package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// expected is what transformers computed with a tiny model
// (testdata/make_fixtures.py).
type expected struct {
	Seqs      [][]int
	Logits    [][]float32 // of each sequence, row-major [len,V]
	Hidden    [][]float32 // of the first sequence: embeddings, after each block, final
	Loss      float64
	GradNorms map[string]float64 `json:"grad_norms"`
	Prompts   [][]int
	Greedy    [][]int
}

// Tolerances against transformers in float32.
const (
	logProbTol = 2e-4
	hiddenTol  = 1e-4 // relative to the largest element
	lossTol    = 1e-4 // relative
	normTol    = 1e-3 // of gradient norms, relative
)

// models is where the tiny models are: testdata, or what TUNELAB_MODELS says of
// a run of make_fixtures.py.
func models() string {
	if dir := os.Getenv("TUNELAB_MODELS"); dir != "" {
		return dir
	}
	return "testdata"
}

// tinyModels are the folders that hold a model.
func tinyModels(t testing.TB) []string {
	t.Helper()
	configs, err := filepath.Glob(filepath.Join(models(), "*", "config.json"))
	if err != nil || len(configs) == 0 {
		t.Fatalf("no models in %s: %v", models(), err)
	}
	var names []string
	for _, c := range configs {
		names = append(names, filepath.Base(filepath.Dir(c)))
	}
	return names
}

func open(t testing.TB, name, engine string) (*Model, expected) {
	t.Helper()
	e, err := compute.Open(engine, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(models(), name), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var x expected
	readJSON(t, filepath.Join(models(), name, "expected.json"), &x)
	return m, x
}

func load(t testing.TB, name string) (*Model, expected) { return open(t, name, "ref") }

func readJSON(t testing.TB, path string, to any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// logSoftmax of each row of v, in place.
func logSoftmax(x []float32, v int) []float32 {
	for o := 0; o < len(x); o += v {
		row := x[o : o+v]
		top, sum := float64(slices.Max(row)), 0.0
		for _, a := range row {
			sum += math.Exp(float64(a) - top)
		}
		for i, a := range row {
			row[i] = float32(float64(a) - top - math.Log(sum))
		}
	}
	return x
}

// worst is the largest difference and the largest wanted value.
func worst(t testing.TB, what string, got, want []float32) (diff, size float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= diff) {
			diff = d
		}
		size = max(size, math.Abs(float64(want[i])))
	}
	return diff, size
}

// near compares with an absolute tolerance on values of size about 1 to 10.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if d, _ := worst(t, what, got, want); !(d <= tolerance) {
		t.Errorf("%s differs by %g, allowed %g", what, d, tolerance)
	}
}

func TestLogitsAndHiddenEqualTransformers(t *testing.T) {
	for _, engine := range []string{"ref", "cpu"} {
		for _, name := range tinyModels(t) {
			t.Run(engine+" "+name, func(t *testing.T) {
				m, x := open(t, name, engine)
				tape := autograd.NewTape(m.Engine(), false)
				defer tape.Release()
				got := m.Logits(tape, m.Hidden(tape, Pack(x.Seqs...))).Value()
				dl, _ := worst(t, "log-probabilities", logSoftmax(got, m.cfg.VocabSize), logSoftmax(slices.Concat(x.Logits...), m.cfg.VocabSize))
				dh := 0.0
				for layer, want := range x.Hidden {
					h := m.HiddenAt(tape, Pack(x.Seqs[0]), layer)
					if m.out != nil && layer == m.cfg.Layers { // transformers projects before it says hidden state
						h = m.out.Forward(tape, h)
					}
					d, size := worst(t, "hidden state", h.Value(), want)
					dh = max(dh, d/size)
				}
				t.Logf("log-probabilities differ by %.2g, hidden states by %.2g of their largest element", dl, dh)
				if !(dl <= logProbTol) || !(dh <= hiddenTol) {
					t.Errorf("log-probabilities differ by %g, allowed %g; hidden states by %g, allowed %g", dl, logProbTol, dh, hiddenTol)
				}
			})
		}
	}
}

func TestGradientsEqualTorch(t *testing.T) {
	for _, name := range tinyModels(t) {
		t.Run(name, func(t *testing.T) {
			m, x := load(t, name)
			tape := autograd.NewTape(m.Engine(), true)
			defer tape.Release()
			var targets []int32
			for _, s := range x.Seqs {
				for _, id := range s[1:] {
					targets = append(targets, int32(id))
				}
				targets = append(targets, -1)
			}
			ones := make([]float32, len(targets))
			for i := range ones {
				ones[i] = 1
			}
			loss := tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, Pack(x.Seqs...))), targets, ones)
			if d := math.Abs(float64(loss.Scalar()) - x.Loss); d > lossTol*x.Loss {
				t.Errorf("loss %g, want %g", loss.Scalar(), x.Loss)
			}
			tape.Backward(loss)
			if len(m.Params()) != len(x.GradNorms) {
				t.Errorf("%d parameters, want %d", len(m.Params()), len(x.GradNorms))
			}
			largest := 0.0
			for _, p := range m.Params() {
				want, ok := x.GradNorms[p.Name]
				sum := 0.0
				for _, g := range p.GradData() {
					sum += float64(g) * float64(g)
				}
				d := math.Abs(math.Sqrt(sum) - want)
				largest = max(largest, d/(want+0.1))
				// A key bias's gradient is zero in theory: softmax ignores it.
				if !ok || d > 1e-4*want+1e-4 {
					t.Errorf("%s: gradient norm %g, want %g", p.Name, math.Sqrt(sum), want)
				}
			}
			t.Logf("gradient norms differ by %.2g of themselves", largest)
		})
	}
}

// Configurations as transformers 4 and 5 write them say the same.
func TestOlderConfigsSayTheSame(t *testing.T) {
	for _, name := range tinyModels(t) {
		folder := filepath.Join(models(), name)
		now, err := checkpoint.ReadConfig(folder)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(folder, "config-4.json"))
		if err != nil {
			t.Fatal(err)
		}
		old, err := checkpoint.ParseConfig(raw)
		if err != nil || !reflect.DeepEqual(old, now) {
			t.Errorf("%s: transformers 4 %+v (%v), 5 %+v", name, old, err, now)
		}
	}
}

// The models were made by the script that stands beside them.
func TestFixturesAreOfThisScript(t *testing.T) {
	var v struct {
		SHA256 string `json:"script_sha256"`
	}
	readJSON(t, filepath.Join(models(), "versions.json"), &v)
	script, err := os.ReadFile("testdata/make_fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); hex.EncodeToString(sum[:]) != v.SHA256 {
		t.Errorf("make_fixtures.py changed since the models were made: run it")
	}
}
