package encoder

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
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// labelled is what testdata/make_labels.py gives for a family.
type labelled struct {
	expected   // of the encoder: its sequences
	Labels     []int32
	Pooling    string
	New        []string
	Logits     [][]float32
	LoRALogits [][]float32 `json:"lora_logits"`
	Full, LoRA curve
}

const labels = 3

// labelFolder is the folder that a label head is put on: the family's, pooled as
// the reference pools.
func labelFolder(t *testing.T, family string) (string, labelled) {
	t.Helper()
	_, x := load(t, family, "ref")
	l := labelled{expected: x}
	raw, err := os.ReadFile(filepath.Join("testdata", family, "labels", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join("testdata", family, checkpoint.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, raw := range map[string][]byte{checkpoint.ConfigFile: change(t, family, `{"classifier_pooling":"`+l.Pooling+`"}`), checkpoint.WeightsFile: weights} {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, l
}

func classifier(t *testing.T, dir string) *Classifier {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(dir, e, Options{Classify: true})
	if err != nil {
		t.Fatal(err)
	}
	return NewClassifier(m, labels, rand.New(rand.NewPCG(1, 2)))
}

// set takes weights from a file that may lack some.
func (c *Classifier) set(t *testing.T, path string) {
	t.Helper()
	list, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		i := slices.IndexFunc(c.params, func(p *autograd.Param) bool { return p.Name == w.Name })
		c.params[i].Set(w.Data)
	}
}

func (c *Classifier) ask(t *testing.T, b Batch) []float32 {
	t.Helper()
	tape := autograd.NewTape(c.m.Engine(), false)
	defer tape.Release()
	return c.Logits(tape, c.m.Hidden(tape, b), b.SeqLens).Value()
}

// steps trains as make_labels.py does and compares each step.
func (c *Classifier) steps(t *testing.T, x labelled, params []*autograd.Param, want curve) {
	t.Helper()
	opt := optim.NewAdamW(params, optim.Config{WeightDecay: x.Decay})
	defer opt.Free()
	opt.DecayOnly(func(p *autograd.Param) bool { return len(p.Shape()) > 1 && !strings.Contains(p.Name, "bias") })
	worst := 0.0
	for k := range want.Losses {
		lo := k * x.Batch % len(x.Seqs)
		b, _ := x.batch(lo, (k*x.Batch+1)%len(x.Seqs))
		tape := autograd.NewTape(c.m.Engine(), true)
		loss := tape.CrossEntropy(c.Logits(tape, c.m.Hidden(tape, b), b.SeqLens), []int32{x.Labels[lo], x.Labels[(lo+1)%len(x.Seqs)]}, nil)
		tape.Backward(loss)
		got := float64(loss.Scalar())
		tape.Release()
		norm, err := optim.GradNorm(params)
		if err != nil {
			t.Fatal(err)
		}
		if err := opt.Step(x.Rate, 1); err != nil {
			t.Fatal(err)
		}
		optim.ZeroGrad(params)
		dl, dn := math.Abs(got/want.Losses[k]-1), math.Abs(norm/want.GradNorms[k]-1)
		if !(dl <= 1e-4 && dn <= 1e-3) {
			t.Errorf("step %d: loss %g and gradient norm %g, want %g and %g", k, got, norm, want.Losses[k], want.GradNorms[k])
		}
		worst = max(worst, dl)
	}
	t.Logf("largest relative difference of a loss %.2g", worst)
}

// Logits and ten steps of fine-tuning equal those of transformers' class for
// sequence classification, and so does what Save wrote.
func TestLabelHeadEqualsTransformers(t *testing.T) {
	for _, name := range Families() {
		t.Run(name, func(t *testing.T) {
			dir, x := labelFolder(t, name)
			c := classifier(t, dir)
			var fresh []string
			for _, p := range c.New() {
				fresh = append(fresh, p.Name)
			}
			if !slices.Equal(fresh, x.New) {
				t.Errorf("new weights %v, in transformers %v", fresh, x.New)
			}
			c.set(t, filepath.Join("testdata", name, "labels", "head.safetensors"))
			b, _ := x.all()
			near(t, "logits", c.ask(t, b), slices.Concat(x.Logits...), 1e-5)
			params := append(c.m.Params(), c.Params()...)
			for _, p := range params {
				p.Trainable = true
			}
			c.steps(t, x, params, x.Full)

			saved := t.TempDir()
			if err := c.Save(saved, []string{"a", "b", "c"}); err != nil {
				t.Fatal(err)
			}
			back, err := LoadClassifier(saved, c.m.Engine())
			if err != nil {
				t.Fatal(err)
			}
			if back.Labels() != labels || !slices.Equal(back.ask(t, b), c.ask(t, b)) {
				t.Error("what was saved gives other logits")
			}
			// For another task the layers before the output layer are the folder's.
			next := classifier(t, saved)
			for i, p := range next.Params() {
				if same := slices.Equal(p.Data(), c.Params()[i].Data()); same != !strings.HasPrefix(p.Name, c.m.family.label.out) {
					t.Errorf("%s is the saved one: %v", p.Name, same)
				}
			}
		})
	}
}

// A SEQ_CLS adapter that PEFT saved: its modules_to_save are the label head.
func TestAdapterOfAClassifierEqualsPEFT(t *testing.T) {
	for _, name := range Families() {
		t.Run(name, func(t *testing.T) {
			dir, x := labelFolder(t, name)
			c := classifier(t, dir)
			from := filepath.Join("testdata", name, "labels")
			l, err := peft.Load(c.m, from, peft.Own{Modules: c.Modules(), Params: c.New()})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := x.all()
			near(t, "logits", c.ask(t, b), slices.Concat(x.LoRALogits...), 1e-5)
			saved := t.TempDir()
			if err := l.Save(saved); err != nil {
				t.Fatal(err)
			}
			if got, want := adapterTensors(t, saved), adapterTensors(t, from); !slices.EqualFunc(got, want, func(a, b checkpoint.Tensor) bool {
				return a.Name == b.Name && slices.Equal(a.Data, b.Data)
			}) {
				t.Error("saved again, the adapter has other tensors")
			}
			c.steps(t, x, l.Params(), x.LoRA)
		})
	}
}

func adapterTensors(t *testing.T, dir string) []checkpoint.Tensor {
	t.Helper()
	list, err := checkpoint.ReadSafetensors(filepath.Join(dir, peft.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b checkpoint.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// config.json names class and labels, also over those of an earlier classifier.
func TestSavedClassifierNamesItsLabels(t *testing.T) {
	dir, _ := labelFolder(t, BERT)
	if err := os.WriteFile(filepath.Join(dir, checkpoint.ConfigFile), change(t, BERT, `{"num_labels":5,"problem_type":"regression","id2label":{"0":"x"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := classifier(t, dir).Save(to, []string{"no", "so", "yes"}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(to, checkpoint.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := `{"architectures":["BertForSequenceClassification"],"id2label":{"0":"no","1":"so","2":"yes"},"label2id":{"no":0,"so":1,"yes":2},"num_labels":null,"problem_type":null}`
	some := map[string]any{}
	for _, name := range []string{"architectures", "id2label", "label2id", "num_labels", "problem_type"} {
		some[name] = got[name]
	}
	if g := toJSON(t, some); g != want {
		t.Errorf("config.json says %s, want %s", g, want)
	}
}

// A BERT whose folder has no pooler gets a new one, which is the head's.
func TestClassifierOfABERTWithoutPooler(t *testing.T) {
	dir, x := labelFolder(t, BERT)
	path := filepath.Join(dir, checkpoint.WeightsFile)
	list, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(w checkpoint.Tensor) bool { return strings.Contains(w.Name, "pooler") })
	if err := checkpoint.WriteSafetensors(path, list, nil); err != nil {
		t.Fatal(err)
	}
	c := classifier(t, dir)
	if !slices.Equal(c.Modules(), []string{"pooler", "classifier"}) || len(c.New()) != 4 {
		t.Errorf("%v are new, with %d weights", c.Modules(), len(c.New()))
	}
	to := t.TempDir()
	if err := c.Save(to, []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	back, err := LoadClassifier(to, c.m.Engine())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := x.all()
	if !back.m.HasPooler() || !slices.Equal(back.ask(t, b), c.ask(t, b)) {
		t.Error("the saved pooler is not used")
	}
}

func TestHeadFileIsStrict(t *testing.T) {
	dir, x := labelFolder(t, DistilBERT)
	c, path := classifier(t, dir), filepath.Join(t.TempDir(), "head.safetensors")
	for i, p := range c.Params() {
		p.Set(slices.Repeat([]float32{float32(i+1) / 16}, p.Len()))
	}
	if err := c.SaveHead(path); err != nil {
		t.Fatal(err)
	}
	back, b := classifier(t, dir), Pack(x.Seqs...)
	if err := back.LoadHead(path); err != nil || !slices.Equal(back.ask(t, b), c.ask(t, b)) {
		t.Errorf("the head read back gives other logits: %v", err)
	}
	list, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, list := range map[string][]checkpoint.Tensor{
		list[0].Name:            list[1:],
		`unexpected tensor "x"`: append(list, checkpoint.Tensor{Name: "x", Shape: []int{1}, Data: []float32{1}}),
	} {
		if err := checkpoint.WriteSafetensors(path, list, nil); err != nil {
			t.Fatal(err)
		}
		if err := back.LoadHead(path); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
	if _, err := LoadClassifier(dir, c.m.Engine()); err == nil || !strings.Contains(err.Error(), "classifier.weight") {
		t.Errorf("a folder without a label head: %v", err)
	}
}

func TestOtherPoolingsAreRefused(t *testing.T) {
	if _, err := ParseConfig(change(t, ModernBERT, `{"classifier_pooling":"max"}`)); err == nil || !strings.Contains(err.Error(), "classifier_pooling") {
		t.Errorf("got %v", err)
	}
}

func TestNamesOfABareFolder(t *testing.T) {
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join("testdata", DistilBERT), e, Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	names, err := Names(dir)
	if err != nil || len(names) != len(m.Params()) || names["transformer.layer.0.ffn.lin1.weight"] != "distilbert.transformer.layer.0.ffn.lin1.weight" {
		t.Errorf("%v: %v", names, err)
	}
}
