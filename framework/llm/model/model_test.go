package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
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
}

var families = []string{"llama", "llama-bias", "gpt2"}

func load(t *testing.T, name string) (*Model, expected) {
	t.Helper()
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join("testdata", name), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", name, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var x expected
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	return m, x
}

// near compares with an absolute tolerance on values of size about 1 to 10.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func TestLogitsAndHiddenEqualTransformers(t *testing.T) {
	for _, name := range families {
		t.Run(name, func(t *testing.T) {
			m, x := load(t, name)
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			got := m.Logits(tape, m.Hidden(tape, Pack(x.Seqs...))).Value()
			near(t, "logits", got, slices.Concat(x.Logits...), 1e-4)
			for layer, want := range x.Hidden {
				near(t, "hidden state", m.HiddenAt(tape, Pack(x.Seqs[0]), layer).Value(), want, 1e-4)
			}
		})
	}
}

func TestGradientsEqualTorch(t *testing.T) {
	for _, name := range families {
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
			if d := math.Abs(float64(loss.Scalar()) - x.Loss); d > 1e-4*x.Loss {
				t.Errorf("loss %g, want %g", loss.Scalar(), x.Loss)
			}
			tape.Backward(loss)
			if len(m.Params()) != len(x.GradNorms) {
				t.Errorf("%d parameters, want %d", len(m.Params()), len(x.GradNorms))
			}
			for _, p := range m.Params() {
				want, ok := x.GradNorms[p.Name]
				sum := 0.0
				for _, g := range p.GradData() {
					sum += float64(g) * float64(g)
				}
				// A key bias's gradient is zero in theory: softmax ignores it.
				if got := math.Sqrt(sum); !ok || math.Abs(got-want) > 1e-4*want+1e-4 {
					t.Errorf("%s: gradient norm %g, want %g", p.Name, got, want)
				}
			}
		})
	}
}

func TestCachedEqualsUncached(t *testing.T) {
	for _, name := range families {
		t.Run(name, func(t *testing.T) {
			m, x := load(t, name)
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			s := x.Seqs[2]
			want := m.Hidden(tape, Pack(s)).Value()
			c := m.NewCache(3, len(s))
			defer c.Free()
			// Slot 2 gets s in parts of 5, 1, 2 and 4 tokens, beside another sequence.
			var got []float32
			at := 0
			for _, n := range []int{5, 1, 2, 4} {
				h := m.HiddenCached(tape, Pack(x.Seqs[1], s[at:at+n]), c, []int{0, 2})
				got = append(got, h.Value()[m.cfg.HiddenSize:]...)
				at += n
			}
			near(t, "hidden state", got, want, 1e-4)
			if c.Len(2) != len(s) || c.Len(0) != 4 || c.Len(1) != 0 {
				t.Errorf("lengths %d %d %d", c.Len(0), c.Len(1), c.Len(2))
			}
		})
	}
}

// Prompting is charged like training: attention counts the pairs that it looks
// at, cached or not.
func TestCachedCountsTheSameWork(t *testing.T) {
	m, _ := load(t, "llama")
	b := Pack([]int{1, 5, 9, 12, 7, 3, 8, 2})
	whole := autograd.NewTape(m.Engine(), false)
	defer whole.Release()
	m.Hidden(whole, b)
	cached := autograd.NewTape(m.Engine(), false)
	defer cached.Release()
	c := m.NewCache(1, 16)
	defer c.Free()
	m.HiddenCached(cached, b, c, []int{0})
	if whole.FLOPs() != cached.FLOPs() {
		t.Errorf("%d FLOPs without a cache, %d with an empty one", whole.FLOPs(), cached.FLOPs())
	}
}

func TestSaveLoadGivesTheSameBits(t *testing.T) {
	for _, name := range families {
		t.Run(name, func(t *testing.T) {
			m, _ := load(t, name)
			dir := filepath.Join(t.TempDir(), "new")
			if err := m.Save(dir); err != nil {
				t.Fatal(err)
			}
			back, err := Load(dir, m.Engine(), Options{Frozen: true})
			if err != nil {
				t.Fatal(err)
			}
			a, b := m.Params(), back.Params()
			if len(a) != len(b) {
				t.Fatalf("%d parameters, then %d", len(a), len(b))
			}
			for i := range a {
				if a[i].Name != b[i].Name || !slices.Equal(a[i].Shape(), b[i].Shape()) || !slices.Equal(a[i].Data(), b[i].Data()) {
					t.Errorf("%s changed", a[i].Name)
				}
				if !a[i].Trainable || b[i].Trainable {
					t.Errorf("%s: trainable %t, frozen copy %t", a[i].Name, a[i].Trainable, b[i].Trainable)
				}
			}
			// The stored tensors are those transformers wrote.
			old, err := checkpoint.OpenDir(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			now, err := checkpoint.OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer now.Close()
			if !slices.Equal(old.Names(), now.Names()) {
				t.Fatalf("tensors %v, want %v", now.Names(), old.Names())
			}
			for _, n := range old.Names() {
				info, _ := old.Info(n)
				if v, err := now.Float32(n, info.Shape...); err != nil {
					t.Error(err)
				} else if w, _ := old.Float32(n); !slices.Equal(v, w) {
					t.Errorf("%s is stored otherwise", n)
				}
			}
		})
	}
}

// double is an adapter that adds its output once more.
type double struct{ calls *[]string }

func (d double) Apply(t *autograd.Tape, _, y *autograd.Var, lin *Linear) *autograd.Var {
	*d.calls = append(*d.calls, lin.Name)
	return t.Add(y, y)
}

func TestAdaptersAreCalledOnEveryLinear(t *testing.T) {
	m, x := load(t, "llama")
	var calls, names []string
	for _, l := range m.Linears() {
		l.Adapt = double{&calls}
		names = append(names, l.Name)
	}
	tape := autograd.NewTape(m.Engine(), false)
	defer tape.Release()
	plain, _ := load(t, "llama")
	other := autograd.NewTape(plain.Engine(), false)
	defer other.Release()
	if slices.Equal(m.Hidden(tape, Pack(x.Seqs[0])).Value(), plain.Hidden(other, Pack(x.Seqs[0])).Value()) {
		t.Error("the adapters changed nothing")
	}
	want := []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}
	for i, n := range names {
		if n != "model.layers."+string(rune('0'+i/7))+"."+want[i%7] {
			t.Errorf("linear %d is %s", i, n)
		}
	}
	slices.Sort(calls)
	slices.Sort(names)
	if !slices.Equal(calls, names) {
		t.Errorf("called %v, want %v", calls, names)
	}
	if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "carries an adapter") {
		t.Errorf("save: %v", err)
	}
}

func TestNewIsSeeded(t *testing.T) {
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := checkpoint.Config{Family: checkpoint.Llama, VocabSize: 300, HiddenSize: 32, IntermediateSize: 64, Layers: 2, Heads: 4,
		KVHeads: 2, HeadDim: 8, MaxPositions: 64, NormEps: 1e-5, RopeTheta: 1e4, TieEmbeddings: true, BOS: 1, EOS: []int{2}, PAD: 0}
	make := func(seed uint64) *Model {
		m, err := New(cfg, e, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, b, c := make(1), make(1), make(2)
	spread := func(p *autograd.Param) float64 {
		sum := 0.0
		for _, v := range p.Data() {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum / float64(p.Len()))
	}
	for i, p := range a.Params() {
		if !slices.Equal(p.Data(), b.Params()[i].Data()) {
			t.Errorf("%s differs with one seed", p.Name)
		}
	}
	if slices.Equal(a.embed.Data(), c.embed.Data()) {
		t.Error("two seeds give one model")
	}
	for _, l := range a.Linears() {
		want := 0.02
		if strings.HasSuffix(l.Name, "o_proj") || strings.HasSuffix(l.Name, "down_proj") {
			want = 0.01
		}
		if got := spread(l.W); math.Abs(got/want-1) > 0.1 {
			t.Errorf("%s: standard deviation %g, want %g", l.Name, got, want)
		}
	}
	if n := a.ParamCount(); n != 300*32+2*(2*32*32+2*16*32+3*32*64+64)+32 {
		t.Errorf("%d parameters", n)
	}
	if a.ContextLength() != 64 {
		t.Errorf("context %d", a.ContextLength())
	}
}

func TestLoadIsStrict(t *testing.T) {
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := checkpoint.ReadSafetensors("testdata/gpt2/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("testdata/gpt2/config.json")
	if err != nil {
		t.Fatal(err)
	}
	try := func(tensors []checkpoint.Tensor) (*Model, error) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := checkpoint.WriteSafetensors(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
			t.Fatal(err)
		}
		return Load(dir, e, Options{})
	}
	extra := func(name string, shape ...int) []checkpoint.Tensor {
		return append(slices.Clone(tensors), checkpoint.Tensor{Name: name, Shape: shape, Data: make([]float32, compute.NumElements(shape))})
	}
	misshapen := slices.Clone(tensors)
	misshapen[0].Shape = []int{len(misshapen[0].Data)}
	if len(tensors[0].Shape) == 1 {
		misshapen[0].Shape = []int{1, len(misshapen[0].Data)}
	}
	for want, list := range map[string][]checkpoint.Tensor{
		"is missing":                           tensors[1:],
		"has shape":                            misshapen,
		`"score.weight" is not part of a gpt2`: extra("score.weight", 2, 32),
		"differs from the token embedding":     extra("lm_head.weight", 64, 32),
	} {
		if _, err := try(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	// openai-community/gpt2 has no prefix and stores the causal mask.
	bare := extra("transformer.h.0.attn.bias", 1, 1, 48, 48)
	for i := range bare {
		bare[i].Name = strings.TrimPrefix(bare[i].Name, "transformer.")
	}
	if m, err := try(bare); err != nil || m.Params()[0].Name != "transformer.wte.weight" {
		t.Errorf("weights without the prefix: %v", err)
	}
}

func TestMisuseIsAnError(t *testing.T) {
	m, _ := load(t, "gpt2")
	for name, b := range map[string]Batch{
		"an id over the vocabulary": Pack([]int{64}),
		"a sequence over context":   Pack(make([]int, 49)),
		"wrong lengths":             {IDs: []int32{1, 2}, SeqLens: []int{1}},
	} {
		tape := autograd.NewTape(m.Engine(), false)
		if err := autograd.Catch(func() { m.Hidden(tape, b) }); err == nil {
			t.Errorf("%s: no error", name)
		}
		tape.Release()
	}
}
