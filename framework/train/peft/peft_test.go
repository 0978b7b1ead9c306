package peft

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/quant"
)

var batch = model.Pack([]int{1, 5, 9, 33, 2, 60, 7}, []int{4}, []int{1, 50, 51, 52, 53})

// load opens a tiny model of framework/llm/model/testdata.
func load(t testing.TB, family string) *model.Model {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(filepath.Join("../../llm/model/testdata", family), e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func attach(t *testing.T, m *model.Model, c Config) *LoRA {
	t.Helper()
	l, err := Attach(m, c, spec.Stream(3, spec.StreamInit))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func values(t *testing.T, m *model.Model) []float32 {
	t.Helper()
	out, err := logits(m, batch)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// train makes n steps on next tokens; the key of the dropout masks is the step.
func train(t *testing.T, m *model.Model, l *LoRA, n int) (losses []float32) {
	t.Helper()
	opt := optim.NewAdamW(l.Params(), optim.Config{})
	targets, weights := make([]int32, len(batch.IDs)), make([]float32, len(batch.IDs))
	for i := range targets {
		targets[i], weights[i] = batch.IDs[(i+1)%len(targets)], 1
	}
	for step := range n {
		l.DropoutKey(uint64(step))
		tape := autograd.NewTape(m.Engine(), true)
		loss := tape.CrossEntropy(m.Logits(tape, m.Hidden(tape, batch)), targets, weights)
		tape.Backward(loss)
		losses = append(losses, loss.Scalar())
		tape.Release()
		for _, p := range m.Params() {
			if p.Grad != nil && !slices.Contains(l.Params(), p) {
				t.Fatalf("the frozen weight %s has a gradient", p.Name)
			}
		}
		if err := opt.Step(1e-2, 1); err != nil {
			t.Fatal(err)
		}
		optim.ZeroGrad(l.Params())
	}
	return losses
}

func difference(a, b []float32) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}

// cases are the adapters that every test below walks.
var cases = []struct {
	name, family string
	c            Config
	params       int64
}{
	{"default", "llama", Config{}, 2 * 8 * ((32 + 32) + (32 + 16))},
	{"all linear", "llama", Config{Rank: 2, Alpha: 3, Targets: []string{AllLinear}}, 2 * 2 * (2*(32+32) + 2*(32+16) + 3*(32+40))},
	{"rslora and patterns", "llama", Config{Rank: 4, RSLoRA: true, Init: InitGaussian, Targets: []string{`.*\.1\.mlp\..*`, "o_proj"},
		RankPattern: []Override{{`down_proj`, 1}, {`mlp\..*`, 3}}, AlphaPattern: []Override{{`^model.layers.0.self_attn.o_proj`, 20}}}, (2*4*64 + 1*72 + 2*3*72)},
	{"output layer", "llama", Config{Rank: 2, Targets: []string{"lm_head", "v_proj"}}, 2 * (32 + 64 + 2*(32+16))},
	{"fused", "gpt2", Config{Rank: 3}, 2 * 3 * (32 + 96)},
	{"dora", "llama", Config{Rank: 2, Alpha: 3, DoRA: true, RSLoRA: true, Targets: []string{AllLinear}}, 2*2*(2*(32+32)+2*(32+16)+3*(32+40)) + 2*(2*32+2*16+2*40+32)},
	{"gpt2 dora and biases", "gpt2", Config{Rank: 1, DoRA: true, Bias: BiasLoRA, Targets: []string{"c_attn"}}, 2 * ((32 + 96) + 96 + 96)},
	{"saved modules", "llama", Config{Rank: 2, ModulesToSave: []string{"embed_tokens", "lm_head", "norm"}}, 2*2*((32+32)+(32+16)) + 2*64*32 + 5*32},
	{"saved of tied", "gpt2", Config{Rank: 1, ModulesToSave: []string{"wte", "mlp"}}, 2*(32+96) + 64*32 + 2*(32*128+128+128*32+32)},
	{"saved head of tied", "gpt2", Config{Rank: 1, ModulesToSave: []string{"lm_head"}}, 2*(32+96) + 64*32},
	{"all biases", "gpt2", Config{Rank: 1, Bias: BiasAll}, 2*((32+96)+4*32+128+96) + 32},
	{"some layers", "llama", Config{Rank: 1, Layers: []int{1}, LayersPattern: []string{"layers"}, Exclude: []string{"k_proj"},
		Targets: []string{"k_proj", "v_proj", "model.layers.0.self_attn.o_proj"}}, 32 + 16 + 32 + 32},
	{"gpt2 all linear", "gpt2", Config{Rank: 1, Targets: []string{AllLinear}}, 2 * ((32 + 96) + (32 + 32) + 2*(32+128))},
}

func TestAttachIsTheIdentityAndOnlyTheAdapterTrains(t *testing.T) {
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			m := load(t, x.family)
			want, base := values(t, m), map[string][]float32{}
			for _, p := range m.Params() {
				base[p.Name] = p.Data()
			}
			l := attach(t, m, x.c)
			if !slices.Equal(values(t, m), want) {
				t.Error("a new adapter changed the logits")
			}
			if l.ParamCount() != x.params {
				t.Errorf("%d parameters, expected %d", l.ParamCount(), x.params)
			}
			before := map[string][]float32{}
			for _, p := range append(m.Params(), l.Params()...) {
				before[p.Name] = p.Data()
			}
			losses := train(t, m, l, 6)
			if !(losses[5] < losses[0]) {
				t.Errorf("the loss did not fall: %v", losses)
			}
			for _, p := range m.Params() {
				if !slices.Contains(l.Params(), p) && (p.Trainable || !slices.Equal(before[p.Name], p.Data())) {
					t.Errorf("%s belongs to the base; trainable %t, or it changed", p.Name, p.Trainable)
				}
			}
			for _, p := range l.Params() {
				if slices.Equal(before[p.Name], p.Data()) {
					t.Errorf("%s did not change", p.Name)
				}
			}
			l.SetEnabled(false)
			if !slices.Equal(values(t, m), want) {
				t.Error("switched off, the adapter still speaks")
			}
			l.SetEnabled(true)
			l.Detach()
			if !slices.Equal(values(t, m), want) {
				t.Error("detached, the model is not the base")
			}
			for _, p := range m.Params() {
				if p.Trainable || p.Grad != nil || !slices.Equal(base[p.Name], p.Data()) {
					t.Errorf("%s is not the base's after detaching", p.Name)
				}
			}
			if len(m.Params()) != len(base) {
				t.Errorf("%d weights after detaching, %d before", len(m.Params()), len(base))
			}
		})
	}
}

func TestSaveLoadGivesTheSameBits(t *testing.T) {
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			m := load(t, x.family)
			l := attach(t, m, x.c)
			train(t, m, l, 3)
			dir := filepath.Join(t.TempDir(), "new")
			if err := l.Save(dir); err != nil {
				t.Fatal(err)
			}
			fresh := load(t, x.family)
			back, err := Load(fresh, dir)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(values(t, fresh), values(t, m)) {
				t.Error("the loaded adapter gives other logits")
			}
			again := filepath.Join(t.TempDir(), "again")
			if err := back.Save(again); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{ConfigFile, WeightsFile} {
				if a, b := read(t, dir, name), read(t, again, name); a != b {
					t.Errorf("%s is saved otherwise after loading:\n%.400s\n%.400s", name, a, b)
				}
			}
		})
	}
}

// Merged logits differ by the rounding of W + s B A: logits here are near 5,
// the tolerance is 2e-5.
func TestMergeAndBack(t *testing.T) {
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			m := load(t, x.family)
			base := values(t, m)
			l := attach(t, m, x.c)
			train(t, m, l, 5)
			adapted := values(t, m)
			if difference(adapted, base) < 1e-2 {
				t.Fatal("the adapter does nothing to merge")
			}
			weights := map[string][]float32{}
			for _, p := range m.Params() {
				weights[p.Name] = p.Data()
			}
			err := l.Merge()
			if x.name == "output layer" && m.Config().TieEmbeddings {
				t.Fatal("the llama fixture is untied")
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := difference(values(t, m), adapted); d > 2e-5 {
				t.Errorf("merging changed a logit by %g", d)
			}
			if err := l.Merge(); err == nil {
				t.Error("merged twice")
			}
			l.Unmerge()
			if !slices.Equal(values(t, m), adapted) {
				t.Error("unmerging did not give the adapted model back")
			}
			for _, p := range m.Params() {
				if !slices.Equal(weights[p.Name], p.Data()) {
					t.Errorf("%s changed", p.Name)
				}
			}
			dir := t.TempDir()
			if err := l.SaveMerged(dir); err != nil {
				t.Fatal(err)
			}
			whole, err := model.Load(dir, m.Engine(), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := values(t, whole)
			d, err := l.MergeError(batch)
			if err != nil {
				t.Fatal(err)
			}
			if d != difference(got, adapted) {
				t.Errorf("the saved model differs by %g, MergeError says %g", difference(got, adapted), d)
			}
		})
	}
}

func TestMergeIntoNF4AndTiedHead(t *testing.T) {
	m := load(t, "llama")
	if _, err := quant.Freeze(m); err != nil {
		t.Fatal(err)
	}
	frozen := values(t, m)
	l := attach(t, m, Config{Rank: 2, Targets: []string{AllLinear}})
	if !slices.Equal(values(t, m), frozen) {
		t.Error("a new adapter changed the quantised model")
	}
	train(t, m, l, 5)
	adapted := values(t, m)
	if d, err := l.MergeError(batch); err != nil || d > 2e-5 || d == 0 {
		t.Errorf("merging into dequantised weights changed a logit by %g (%v)", d, err)
	}
	if !slices.Equal(values(t, m), adapted) {
		t.Error("the quantised base did not come back")
	}

	tied := load(t, "gpt2")
	l = attach(t, tied, Config{Targets: []string{"lm_head"}})
	before := tied.Embedding().Data()
	if err := l.Merge(); err == nil || !strings.Contains(err.Error(), "tie_word_embeddings") {
		t.Errorf("merge into a tied output layer: %v", err)
	}
	if !slices.Equal(before, tied.Embedding().Data()) {
		t.Error("the embedding changed")
	}
}

func TestDropoutDependsOnTheKeyAlone(t *testing.T) {
	run := func(key uint64, training bool) []float32 {
		m := load(t, "llama")
		l := attach(t, m, Config{Dropout: 0.5, Targets: []string{AllLinear}})
		for _, p := range l.Params() {
			data := make([]float32, p.Len())
			for i := range data {
				data[i] = 0.1
			}
			p.Set(data)
		}
		l.DropoutKey(key)
		tape := autograd.NewTape(m.Engine(), training)
		defer tape.Release()
		return m.Hidden(tape, batch).Value()
	}
	a := run(7, true)
	if !slices.Equal(a, run(7, true)) {
		t.Error("one key, two masks")
	}
	if slices.Equal(a, run(8, true)) {
		t.Error("two keys, one mask")
	}
	if !slices.Equal(run(7, false), run(8, false)) || slices.Equal(a, run(7, false)) {
		t.Error("outside training something is dropped, or in training nothing")
	}
	seen := map[uint64]bool{}
	for layer := range uint64(4) {
		seen[layerKey(7, layer)] = true
	}
	if len(seen) != 4 {
		t.Error("two layers share a mask")
	}
}

// With dropout DoRA drops the base's input too (peft/tuners/lora/variants.py).
func TestDoRAWithDropout(t *testing.T) {
	for name, freeze := range map[string]bool{"float": false, "NF4": true} {
		m := load(t, "llama-bias")
		if freeze {
			if _, err := quant.Freeze(m); err != nil {
				t.Fatal(err)
			}
		}
		l := attach(t, m, Config{Rank: 2, DoRA: true, Dropout: 0.5, Targets: []string{"q_proj"}})
		train(t, m, l, 3)
		layer := l.Layers()[1]
		in := make([]float32, 3*layer.Linear.In)
		for i := range in {
			in[i] = float32(i%7) - 3
		}
		l.DropoutKey(5)
		tape := autograd.NewTape(m.Engine(), true)
		x := tape.Const([]int{3, layer.Linear.In}, in)
		got := layer.Linear.Forward(tape, x).Value()

		kept := tape.Dropout(x, 0.5, layerKey(5, 1)).Value()
		w, a, b, mag, bias := layer.weight(tape).Value(), layer.A.Data(), layer.B.Data(), layer.Magnitude.Data(), layer.Linear.B.Data()
		for n := range 3 {
			for o := range layer.Linear.Out {
				full, plain, up, square := 0.0, 0.0, 0.0, 0.0
				for i := range layer.Linear.In {
					delta := 0.0
					for r := range 2 {
						delta += float64(layer.Scale) * float64(b[o*2+r]) * float64(a[r*layer.Linear.In+i])
					}
					wi, xi := float64(w[o*layer.Linear.In+i]), float64(kept[n*layer.Linear.In+i])
					full += wi * float64(in[n*layer.Linear.In+i])
					plain += wi * xi
					up += delta * xi
					square += (wi + delta) * (wi + delta)
				}
				f := float64(mag[o]) / math.Sqrt(square)
				want := full + float64(bias[o]) + (f-1)*plain + f*up
				if d := math.Abs(want - float64(got[n*layer.Linear.Out+o])); d > 1e-4 {
					t.Fatalf("%s: output %d of row %d differs by %g", name, o, n, d)
				}
			}
		}
		tape.Release()
		if d, err := l.MergeError(batch); err != nil || d > 2e-5 {
			t.Errorf("%s: merging changed a logit by %g (%v)", name, d, err)
		}
	}
}

func TestScaleAndInit(t *testing.T) {
	m := load(t, "llama")
	l := attach(t, m, cases[2].c)
	want := map[string]string{ // rank and scale
		"model.layers.0.self_attn.o_proj": fmt.Sprint(4, float32(20/2.0)),
		"model.layers.1.self_attn.o_proj": fmt.Sprint(4, float32(8/2.0)),
		"model.layers.1.mlp.down_proj":    fmt.Sprint(1, float32(8)),
		"model.layers.1.mlp.up_proj":      fmt.Sprint(3, float32(8/math.Sqrt(3))),
		"model.layers.1.mlp.gate_proj":    fmt.Sprint(3, float32(8/math.Sqrt(3))),
	}
	for _, layer := range l.Layers() {
		if got := fmt.Sprint(layer.Rank, layer.Scale); got != want[layer.Linear.Name] {
			t.Errorf("%s: rank and scale %s, expected %s", layer.Linear.Name, got, want[layer.Linear.Name])
		}
	}
	if len(l.Layers()) != len(want) {
		t.Errorf("%d layers", len(l.Layers()))
	}
	bound := 1 / math.Sqrt(32)
	for _, layer := range attach(t, load(t, "llama"), Config{Rank: 64}).Layers() {
		top, sum := 0.0, 0.0
		for _, v := range layer.A.Data() {
			top, sum = max(top, math.Abs(float64(v))), sum+float64(v)*float64(v)
		}
		if top > bound || top < 0.95*bound || math.Abs(sum/float64(layer.A.Len())/(bound*bound/3)-1) > 0.1 {
			t.Errorf("A is not uniform in +-%g: largest %g", bound, top)
		}
	}
}

func TestMistakesNameTheField(t *testing.T) {
	m := load(t, "llama")
	for _, x := range []struct {
		want string
		c    Config
	}{
		{`target_modules[1]: "q_porj" names no linear layer of this llama model; it has down_proj,`, Config{Targets: []string{"v_proj", "q_porj"}}},
		{`target_modules[0]: "(q" is neither`, Config{Targets: []string{"(q"}}},
		{`target_modules[0]: is empty`, Config{Targets: []string{""}}},
		{`r: -1`, Config{Rank: -1}},
		{`lora_alpha: -2`, Config{Alpha: -2}},
		{`lora_dropout: 1 `, Config{Dropout: 1}},
		{`init_lora_weights: "pissa"`, Config{Init: "pissa"}},
		{`bias: "lora"`, Config{Bias: "lora"}},
		{`modules_to_save[1]: "score" names no module`, Config{ModulesToSave: []string{"norm", "score"}}},
		{`modules_to_save: names model.layers.0.mlp and also model.layers.0.mlp.up_proj`, Config{ModulesToSave: []string{"mlp", "up_proj"}}},
		{`modules_to_save: names model.layers.0.self_attn.q_proj, which target_modules adapts`, Config{ModulesToSave: []string{"_proj"}}},
		{`target_modules: exclude_modules, layers_to_transform and modules_to_save leave none`, Config{Exclude: []string{`.*proj`}}},
		{`rank_pattern["k_proj"]: matches none`, Config{RankPattern: []Override{{"k_proj", 2}}}},
		{`rank_pattern["q_proj"]: 1.5`, Config{RankPattern: []Override{{"q_proj", 1.5}}}},
		{`alpha_pattern["q_proj"]: 0 `, Config{AlphaPattern: []Override{{"q_proj", 0}}}},
		{`alpha_pattern["["]: not a regular expression`, Config{AlphaPattern: []Override{{"[", 1}}}},
	} {
		if _, err := Attach(m, x.c, spec.Stream(1, "x")); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("got %v, expected %q", err, x.want)
		}
		for _, p := range m.Params() {
			if !p.Trainable {
				t.Fatalf("a failed Attach froze %s", p.Name)
			}
		}
	}
	biased := load(t, "gpt2")
	if _, err := Attach(biased, Config{Bias: BiasAll, ModulesToSave: []string{"lm_head", "ln_f"}}, spec.Stream(1, "x")); err == nil || !strings.Contains(err.Error(), "ln_f.bias is a bias") || !biased.Config().TieEmbeddings {
		t.Errorf("got %v, tied %t", err, biased.Config().TieEmbeddings)
	}
	if _, err := quant.Freeze(biased); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(biased, Config{ModulesToSave: []string{"mlp"}}, spec.Stream(1, "x")); err == nil || !strings.Contains(err.Error(), "c_fc is quantised") {
		t.Errorf("got %v", err)
	}
	attach(t, m, Config{Targets: []string{"q_proj"}})
	if _, err := Attach(m, Config{}, spec.Stream(1, "x")); err == nil || !strings.Contains(err.Error(), "already carries an adapter") {
		t.Errorf("a second adapter: %v", err)
	}
}
