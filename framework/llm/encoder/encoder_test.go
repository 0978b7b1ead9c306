package encoder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// expected is what transformers and PEFT computed with a tiny encoder
// (testdata/make_fixtures.py).
type expected struct {
	Script    string // SHA-256 of the script that made it
	Seqs      [][]int
	Types     [][]int
	Labels    [][]int
	PadInside []int              `json:"pad_inside"`
	Loss      float64            // of all sequences
	GradNorms map[string]float64 `json:"grad_norms"`
	Batch     int
	Rate      float64
	Decay     float64
	Buckets   []int
	Full      curve
	LoRA      curve

	tensors map[string][]float32
}

type curve struct {
	Losses    []float64
	GradNorms []float64 `json:"grad_norms"`
}

func load(t *testing.T, name, engine string) (*Encoder, expected) {
	t.Helper()
	e, err := compute.Open(engine, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", name)
	m, err := Load(dir, e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var x expected
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	list, err := checkpoint.ReadSafetensors(filepath.Join(dir, "expected.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	x.tensors = map[string][]float32{}
	for _, l := range list {
		x.tensors[l.Name] = l.Data
	}
	return m, x
}

// batch packs some of the sequences, with their labels.
func (x expected) batch(lines ...int) (b Batch, labels []int32) {
	var seqs [][]int
	for _, i := range lines {
		seqs = append(seqs, x.Seqs[i])
		for _, l := range x.Labels[i] {
			labels = append(labels, int32(l))
		}
	}
	b = Pack(seqs...)
	if x.Types != nil {
		for _, i := range lines {
			for _, v := range x.Types[i] {
				b.Types = append(b.Types, int32(v))
			}
		}
	}
	return b, labels
}

func (x expected) all() (Batch, []int32) { return x.batch(0, 1, 2, 3, 4) }

// away is the largest difference relative to the largest value.
func away(t *testing.T, what string, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	diff, size := 0.0, 0.0
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
		diff, size = max(diff, d), max(size, math.Abs(float64(want[i])))
	}
	return diff / size
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if d := away(t, what, got, want); d > tolerance {
		t.Errorf("%s: relative difference %.2g, more than %g", what, d, tolerance)
	}
}

// each runs a test on every family's fixture, on the reference and the fast engine.
func each(t *testing.T, test func(t *testing.T, m *Encoder, x expected)) {
	for _, name := range Families() {
		for _, engine := range []string{"ref", "cpu"} {
			t.Run(name+" "+engine, func(t *testing.T) {
				m, x := load(t, name, engine)
				defer m.Free()
				test(t, m, x)
			})
		}
	}
}

func TestHiddenStatesEqualTransformers(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) {
		tape := autograd.NewTape(m.Engine(), false)
		defer tape.Release()
		b, _ := x.all()
		worst := 0.0
		check := func(what string, got *autograd.Var, want string) {
			d := away(t, what, got.Value(), x.tensors[want])
			if d > 1e-4 {
				t.Errorf("%s: relative difference %.2g, more than 1e-4", what, d)
			}
			worst = max(worst, d)
		}
		for layer := range m.cfg.Layers + 1 {
			check(fmt.Sprint("hidden state ", layer), m.HiddenAt(tape, b, layer), fmt.Sprint("hidden.", layer))
		}
		h := m.Hidden(tape, b)
		check("logits", m.Logits(tape, h), "logits")
		if _, ok := x.tensors["pooled"]; ok != m.HasPooler() {
			t.Errorf("pooler loaded: %t, in transformers %t", m.HasPooler(), ok)
		} else if ok {
			check("pooler", m.Pooled(tape, h, b.SeqLens), "pooled")
		}
		check("a sequence with the padding token", m.Hidden(tape, Pack(x.PadInside)), "pad_inside")
		t.Logf("largest relative difference %.2g", worst)
	})
}

// A fixture that is older than its script proves nothing of it.
func TestFixturesAreOfTheirScript(t *testing.T) {
	script, err := os.ReadFile("testdata/make_fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(script)
	for _, name := range Families() {
		if _, x := load(t, name, "ref"); x.Script != hex.EncodeToString(sum[:]) {
			t.Errorf("%s was made by another version of testdata/make_fixtures.py: run it again", name)
		}
	}
}

// What stands beside a sequence in a batch changes no bit of it.
func TestPackedEqualsAlone(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) {
		tape := autograd.NewTape(m.Engine(), false)
		defer tape.Release()
		b, _ := x.all()
		together := m.Hidden(tape, b).Value()
		var alone []float32
		for i := range x.Seqs {
			one, _ := x.batch(i)
			alone = append(alone, m.Hidden(tape, one).Value()...)
		}
		if !slices.Equal(together, alone) {
			t.Errorf("relative difference %.2g", away(t, "alone", alone, together))
		}
	})
}

func TestGradientsEqualTorch(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) {
		tape := autograd.NewTape(m.Engine(), true)
		defer tape.Release()
		b, labels := x.all()
		loss := tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, b)), labels, nil)
		if d := math.Abs(float64(loss.Scalar())/x.Loss - 1); d > 1e-5 {
			t.Errorf("loss %g, want %g", loss.Scalar(), x.Loss)
		}
		tape.Backward(loss)
		seen := 0
		for _, p := range m.Params() {
			want, ok := x.GradNorms[p.Name]
			if !ok {
				if !strings.Contains(p.Name, "pooler") || p.GradData() != nil {
					t.Errorf("%s is no parameter of transformers' masked LM", p.Name)
				}
				continue
			}
			seen++
			sum := 0.0
			for _, g := range p.GradData() {
				sum += float64(g) * float64(g)
			}
			// A key bias's gradient is zero in theory: softmax ignores it.
			if got := math.Sqrt(sum); math.Abs(got-want) > 1e-4*want+1e-5 {
				t.Errorf("%s: gradient norm %g, want %g", p.Name, got, want)
			}
			if whole, ok := x.tensors["grad."+p.Name]; ok {
				near(t, "gradient of "+p.Name, p.GradData(), whole, 1e-4)
			}
		}
		if seen != len(x.GradNorms) {
			t.Errorf("%d parameters with gradients, want %d", seen, len(x.GradNorms))
		}
	})
}

// The rows of padding get no gradient, not even where the token stands inside a
// sequence, but that of a tied output layer (torch.nn.Embedding, padding_idx).
func TestPaddingLearnsAsInTorch(t *testing.T) {
	each(t, func(t *testing.T, m *Encoder, x expected) {
		tape := autograd.NewTape(m.Engine(), true)
		defer tape.Release()
		b := Pack(x.PadInside)
		tape.Backward(tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, b)), b.IDs, nil))
		near(t, "gradient of the embedding", m.embed.GradData(), x.tensors["pad_grad.embed"], 1e-4)
		if m.positions != nil {
			near(t, "gradient of the positions", m.positions.GradData(), x.tensors["pad_grad.positions"], 1e-4)
		}
	})
}
