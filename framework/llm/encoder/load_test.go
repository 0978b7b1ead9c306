package encoder

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// stored are the tensors of a fixture.
func stored(t *testing.T, name string) []checkpoint.Tensor {
	t.Helper()
	list, err := checkpoint.ReadSafetensors(filepath.Join("testdata", name, checkpoint.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// from loads a folder of these tensors and the fixture's config.json, edited.
func from(t *testing.T, name, with string, tensors []checkpoint.Tensor, o Options) (*Encoder, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, checkpoint.ConfigFile), change(t, name, with), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, checkpoint.WeightsFile), tensors, nil); err != nil {
		t.Fatal(err)
	}
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	return Load(dir, e, o)
}

// rename gives each tensor the name that to returns; "" leaves it out.
func rename(list []checkpoint.Tensor, to func(name string) string) []checkpoint.Tensor {
	var out []checkpoint.Tensor
	for _, l := range list {
		if l.Name = to(l.Name); l.Name != "" {
			out = append(out, l)
		}
	}
	return out
}

func without(name string) func(string) string {
	return func(n string) string {
		if n == name {
			return ""
		}
		return n
	}
}

func zeros(name string, shape ...int) checkpoint.Tensor {
	return checkpoint.Tensor{Name: name, Shape: shape, Data: make([]float32, compute.NumElements(shape))}
}

func TestLoadIsStrict(t *testing.T) {
	for _, name := range Families() {
		m, _ := load(t, name, "ref")
		f, list := m.family, stored(t, name)
		try := func(want string, tensors []checkpoint.Tensor, about string) {
			t.Helper()
			if _, err := from(t, name, `{}`, tensors, Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), about) {
				t.Errorf("%s: got %v, want %q about %s", name, err, want, about)
			}
		}
		for i := 0; i < len(list); i += 4 { // a part, for time
			try("is missing", slices.Delete(slices.Clone(list), i, i+1), list[i].Name)
			wrong := slices.Clone(list)
			wrong[i] = zeros(list[i].Name, 1, 1, 3)
			try("shape", wrong, list[i].Name)
		}
		for _, strange := range []string{"score.weight", f.prefix + f.names.block + ".7." + f.names.o + ".weight", f.mlm.dense + ".strange"} {
			try("is not part of", append(slices.Clone(list), zeros(strange, 2)), strange)
		}
		try("ties it", append(slices.Clone(list), zeros(f.mlm.decoder+".weight", m.cfg.VocabSize, m.cfg.EmbedSize)), f.mlm.decoder)
	}
}

// Heads of other tasks, buffers, and tied weights stored twice are no mistake.
func TestLoadKnowsOtherTensors(t *testing.T) {
	for name, others := range map[string][]string{
		BERT:       {"cls.seq_relationship.weight", "classifier.bias", "qa_outputs.bias", "bert.embeddings.position_ids"},
		DistilBERT: {"pre_classifier.weight", "classifier.bias", "qa_outputs.bias"},
		RoBERTa:    {"classifier.out_proj.bias", "roberta.embeddings.position_ids"},
		ELECTRA:    {"discriminator_predictions.dense.weight", "sequence_summary.summary.weight", "classifier.dense.bias"},
		MPNet:      {"classifier.dense.bias", "mpnet.embeddings.position_ids"},
		ModernBERT: {"model.rotary_emb.inv_freq"},
	} {
		f, list := families[name], stored(t, name)
		for _, l := range slices.Clone(list) { // as older versions store them
			switch l.Name {
			case f.prefix + f.names.embed + ".weight":
				l.Name = f.mlm.decoder + ".weight"
				list = append(list, l)
			case f.mlm.bias:
				if l.Name = f.mlm.decoder + ".bias"; l.Name != f.mlm.bias {
					list = append(list, l)
				}
			}
		}
		for _, n := range others {
			list = append(list, zeros(n, 2))
		}
		m, err := from(t, name, `{}`, list, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if plain, _ := load(t, name, "ref"); len(m.Params()) != len(plain.Params()) || !m.HasMLM() {
			t.Errorf("%s: %d parameters, want %d", name, len(m.Params()), len(plain.Params()))
		}
	}
}

// A ModernBERT classifier stands on layers that the masked-LM head has too.
func TestModernBERTClassifierIsHeadless(t *testing.T) {
	list := rename(stored(t, ModernBERT), without("decoder.bias"))
	m, err := from(t, ModernBERT, `{}`, append(list, zeros("classifier.weight", 3, 24), zeros("classifier.bias", 3)), Options{})
	if err != nil || m.HasMLM() {
		t.Errorf("masked-LM head: %t, error %v", err == nil && m.HasMLM(), err)
	}
}

// The same weights under the names of a bare encoder, and of TensorFlow.
func TestNamesOfWeights(t *testing.T) {
	for _, name := range Families() {
		f := families[name]
		want, x := load(t, name, "ref")
		b, _ := x.all()
		hidden := func(m *Encoder) []float32 {
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			return m.Hidden(tape, b).Value()
		}
		for form, to := range map[string]func(string) string{
			"bare": func(n string) string {
				bare, ok := strings.CutPrefix(n, f.prefix)
				if !ok {
					return ""
				}
				return bare
			},
			"TensorFlow": func(n string) string {
				return strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(n)
			},
		} {
			m, err := from(t, name, `{}`, rename(stored(t, name), to), Options{Frozen: true})
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if m.HasMLM() != (form != "bare") || m.HasPooler() != want.HasPooler() {
				t.Errorf("%s, %s: masked-LM head %t, pooler %t", name, form, m.HasMLM(), m.HasPooler())
			}
			if !slices.Equal(hidden(m), hidden(want)) {
				t.Errorf("%s, %s: other hidden states", name, form)
			}
			for _, p := range m.Params() {
				if p.Trainable || !strings.HasPrefix(p.Name, f.prefix) && form == "bare" {
					t.Errorf("%s, %s: parameter %s, trainable %t", name, form, p.Name, p.Trainable)
				}
			}
		}
	}
	twice := append(stored(t, BERT), zeros("bert.embeddings.LayerNorm.gamma", 24))
	if _, err := from(t, BERT, `{}`, twice, Options{}); err == nil || !strings.Contains(err.Error(), "the same weight") {
		t.Errorf("a weight under two names: %v", err)
	}
}

// Not tied, the output layer has weights and a bias of its own.
func TestUntiedHead(t *testing.T) {
	for _, name := range []string{BERT, RoBERTa, DistilBERT} {
		f, list := families[name], stored(t, name)
		half := func(x []float32) []float32 {
			y := slices.Clone(x)
			for i := range y {
				y[i] /= 2
			}
			return y
		}
		for _, l := range slices.Clone(list) {
			switch l.Name {
			case f.prefix + f.names.embed + ".weight":
				list = append(list, checkpoint.Tensor{Name: f.mlm.decoder + ".weight", Shape: l.Shape, Data: half(l.Data)})
			case f.mlm.bias:
				if l.Name == f.mlm.decoder+".bias" {
					i := slices.IndexFunc(list, func(o checkpoint.Tensor) bool { return o.Name == l.Name })
					list[i].Data = half(l.Data)
				} else {
					list = append(list, checkpoint.Tensor{Name: f.mlm.decoder + ".bias", Shape: l.Shape, Data: half(l.Data)})
				}
			}
		}
		m, err := from(t, name, `{"tie_word_embeddings":false}`, list, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, x := load(t, name, "ref")
		b, _ := x.all()
		check := func(m *Encoder) {
			t.Helper()
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			near(t, name+" logits", m.Logits(tape, m.Hidden(tape, b)).Value(), half(x.tensors["logits"]), 1e-5)
		}
		check(m)
		dir := t.TempDir()
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		back, err := Load(dir, m.Engine(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(back)
	}
}

func TestSaveGivesWhatWasLoaded(t *testing.T) {
	for _, name := range Families() {
		for _, o := range []Options{{}, {Headless: true}} {
			f, dir := families[name], filepath.Join(t.TempDir(), "new")
			e, err := compute.Open("ref", 1)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Load(filepath.Join("testdata", name), e, o)
			if err != nil {
				t.Fatal(err)
			}
			if m.HasMLM() == o.Headless {
				t.Errorf("%s, %+v: masked-LM head %t", name, o, m.HasMLM())
			}
			if err := m.Save(dir); err != nil {
				t.Fatal(err)
			}
			want := stored(t, name) // as transformers wrote them
			class := f.mlmClass
			if o.Headless {
				class = f.class
				want = rename(want, func(n string) string {
					bare, ok := strings.CutPrefix(n, f.prefix)
					if !ok {
						return ""
					}
					return bare
				})
			}
			got, err := checkpoint.ReadSafetensors(filepath.Join(dir, checkpoint.WeightsFile))
			if err != nil {
				t.Fatal(err)
			}
			byName := func(a, b checkpoint.Tensor) int { return strings.Compare(a.Name, b.Name) }
			slices.SortFunc(want, byName)
			if !slices.EqualFunc(got, want, func(a, b checkpoint.Tensor) bool {
				return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Data, b.Data)
			}) {
				t.Errorf("%s, %+v: tensors differ", name, o)
			}
			raw, err := os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
			if err != nil || !bytes.Contains(raw, []byte(`"`+class+`"`)) {
				t.Errorf("%s, %+v: config %s: %v", name, o, raw, err)
			}
			if _, err := Load(dir, e, Options{}); err != nil {
				t.Errorf("%s, %+v: %v", name, o, err)
			}
		}
	}
}

// config.json says what the weights were written as.
func TestSaveAsSaysItsDType(t *testing.T) {
	m, _ := load(t, BERT, "ref")
	for dtype, want := range map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"} {
		dir := t.TempDir()
		if err := m.SaveAs(dir, dtype); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
		if err != nil || !bytes.Contains(raw, []byte(`"torch_dtype": "`+want+`"`)) {
			t.Errorf("%s: config.json says %s (%v)", dtype, raw, err)
		}
	}
}
