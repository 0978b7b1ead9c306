package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

func TestCachedEqualsUncached(t *testing.T) {
	for _, name := range tinyModels(t) {
		t.Run(name, func(t *testing.T) {
			m, x := load(t, name)
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			s := x.Seqs[2]
			want := m.Hidden(tape, Pack(s)).Value()
			c := m.NewCache(3, len(s))
			defer c.Free()
			// Slot 2 gets s in parts of 5, 1, 2 and the other tokens, beside another sequence.
			var got []float32
			at := 0
			for _, n := range []int{5, 1, 2, len(s) - 8} {
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
	for _, name := range tinyModels(t) {
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
			old, err := checkpoint.OpenDir(filepath.Join(models(), name))
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

// config.json says what the weights were written as.
func TestSaveAsSaysItsDType(t *testing.T) {
	m, _ := load(t, "llama")
	for dtype, want := range map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"} {
		dir := t.TempDir()
		if err := m.SaveAs(dir, dtype); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
		if err != nil || !strings.Contains(string(raw), `"torch_dtype": "`+want+`"`) {
			t.Errorf("%s: config.json says %s (%v)", dtype, raw, err)
		}
		back, err := Load(dir, m.Engine(), Options{})
		if err != nil || slices.Equal(back.embed.Data(), m.embed.Data()) != (dtype == "F32") {
			t.Errorf("%s: loading it again: %v", dtype, err)
		}
	}
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

// Sizes of a config.json that its weights do not bear out cost nothing.
func TestHostileSizesCostNothing(t *testing.T) {
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(config string, tensors ...checkpoint.Tensor) {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := checkpoint.WriteSafetensors(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
			t.Fatal(err)
		}
	}
	one := []float32{1}
	for _, config := range []string{
		`{"model_type":"llama","vocab_size":1,"hidden_size":1,"intermediate_size":2147483646,"num_hidden_layers":4096,"num_attention_heads":1,"head_dim":2147483646}`,
		`{"model_type":"llama","vocab_size":1,"hidden_size":1,"intermediate_size":1,"num_hidden_layers":1,"num_attention_heads":2147483647,"head_dim":2147483646}`,
		`{"model_type":"llama","vocab_size":2147483647,"hidden_size":2147483647,"intermediate_size":1,"num_hidden_layers":1,"num_attention_heads":1,"head_dim":2}`,
	} {
		write(config, checkpoint.Tensor{Name: "model.embed_tokens.weight", Shape: []int{1, 1}, Data: one}, checkpoint.Tensor{Name: "model.layers.0.input_layernorm.weight", Shape: []int{1}, Data: one})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Load(dir, e, Options{}); err == nil || !strings.Contains(err.Error(), "tensor ") {
			t.Errorf("%s: %v", config, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%s: %d bytes allocated", config, n)
		}
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

func TestPromptsBeyondTheContext(t *testing.T) {
	for _, name := range tinyModels(t) {
		m, _ := load(t, name)
		n := m.ContextLength()
		tape := autograd.NewTape(m.Engine(), false)
		c := m.NewCache(1, n+1)
		if err := autograd.Catch(func() { m.Hidden(tape, Pack(make([]int, n))); m.HiddenCached(tape, Pack(make([]int, n)), c, []int{0}) }); err != nil {
			t.Errorf("%s: a full context: %v", name, err)
		}
		for _, f := range []func(){
			func() { m.Hidden(tape, Pack([]int{1}, make([]int, n+1))) },
			func() { m.HiddenCached(tape, Pack([]int{1}), c, []int{0}) },
		} {
			want := fmt.Sprintf("has %d tokens and the model's context holds %d", n+1, n)
			if err := autograd.Catch(f); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		c.Free()
		tape.Release()
	}
}

// Greedy continuations go far beyond the windows, from a cache.
func TestGreedyEqualsTransformers(t *testing.T) {
	for _, name := range tinyModels(t) {
		t.Run(name, func(t *testing.T) {
			m, x := open(t, name, "cpu")
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			c, slots, next := m.NewCache(len(x.Prompts), m.ContextLength()), make([]int, len(x.Prompts)), slices.Clone(x.Prompts)
			for i := range slots {
				slots[i] = i
			}
			defer c.Free()
			got := make([][]int, len(slots))
			for range x.Greedy[0] {
				logits, at := m.Logits(tape, m.HiddenCached(tape, Pack(next...), c, slots)).Value(), 0
				for i := range slots {
					at += len(next[i])
					row := logits[(at-1)*m.cfg.VocabSize : at*m.cfg.VocabSize]
					got[i] = append(got[i], slices.Index(row, slices.Max(row)))
				}
				for i := range slots {
					next[i] = got[i][len(got[i])-1:]
				}
			}
			if !reflect.DeepEqual(got, x.Greedy) {
				t.Errorf("got %v, want %v", got, x.Greedy)
			}
		})
	}
}
