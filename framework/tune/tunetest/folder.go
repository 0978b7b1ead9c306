package tunetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/ref" // the engine that makes the model
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
)

// Sizes of the models of Folder.
const (
	Hidden  = 32
	Inner   = 48
	Layers  = 2
	Heads   = 4
	Context = 48
)

// Folder writes a random model of a family (checkpoint.Llama or
// checkpoint.GPT2) with tied embeddings and a byte-level tokenizer trained on
// the tasks of this package to a new folder, in Hugging Face form. It is the
// same every time. A text begins with <s> and ends with </s>.
func Folder(t testing.TB, family string) string {
	t.Helper()
	dir := t.TempDir()
	tok, err := tokenizer.Train(slices.Values(corpus()), tokenizer.TrainOptions{VocabSize: 320, Special: []string{"<pad>", "<s>", "</s>"},
		PAD: "<pad>", BOS: "<s>", EOS: "</s>", AddBOS: true, ContextLength: Context})
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := checkpoint.Config{Family: family, VocabSize: tok.VocabSize(), HiddenSize: Hidden, IntermediateSize: Inner, Layers: Layers,
		Heads: Heads, KVHeads: Heads / 2, HeadDim: Hidden / Heads, MaxPositions: Context, NormEps: 1e-5, RopeTheta: 1e4,
		TieEmbeddings: true, InitStd: 0.2, BOS: tok.BOS(), EOS: []int{tok.EOS()}, PAD: tok.PAD()}
	if family == checkpoint.GPT2 {
		cfg.KVHeads, cfg.AttentionBias, cfg.MLPBias = Heads, true, true
	}
	m, err := model.New(cfg, e, spec.Stream(7, spec.StreamInit))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func corpus() (out []string) {
	for _, d := range []Data{Classification(), Completion(spec.Instruction)} {
		for _, e := range d.Train {
			out = append(out, e.Prompt+d.Task.Delimiter+e.Answer)
		}
	}
	return out
}

// Data is a task with its examples.
type Data struct {
	Task       spec.Task
	Train      []spec.Example
	Validation []spec.Example
}

// split takes every fourth example for validation.
func (d *Data) split(all []spec.Example) {
	for i, e := range all {
		e.ID = fmt.Sprintf("e%d", i)
		if i%4 == 3 {
			d.Validation = append(d.Validation, e)
		} else {
			d.Train = append(d.Train, e)
		}
	}
}

// Classification is a two-class task that a word decides: 24 training and 8
// validation examples.
func Classification() Data {
	d := Data{Task: spec.Task{Name: "colours", Kind: spec.Classification, Prompt: "Text: {text}\nLabel:", Input: "{text}",
		Answer: "{label}", Delimiter: " ", Separator: "\n\n", Label: "label", Labels: []string{"red", "blue"}, Metric: "accuracy", MaxNew: 4}}
	words := [2][]string{{"fire", "rose", "blood", "cherry"}, {"sky", "sea", "ice", "rain"}}
	var all []spec.Example
	for i := range 32 {
		label := i / 2 % 2
		text := fmt.Sprintf("%s %s the %s", []string{"see", "take"}[i%2], []string{"now", "all", "here", "then"}[i/8], words[label][i/4%4])
		all = append(all, spec.Example{Prompt: "Text: " + text + "\nLabel:", Input: text, Answer: d.Task.Labels[label], Label: label,
			Fields: map[string]any{"text": text, "label": d.Task.Labels[label]}})
	}
	d.split(all)
	return d
}

// Completion is a task of the kind generation or instruction: say which
// number comes after one. 24 training and 8 validation examples.
func Completion(kind string) Data {
	d := Data{Task: spec.Task{Name: "next", Kind: kind, Prompt: "After {n}:", Input: "After {n}:", Answer: "{answer}",
		Delimiter: " ", Separator: "\n\n", Metric: "exact_match", MaxNew: 4}}
	var all []spec.Example
	for i := range 32 {
		prompt := fmt.Sprintf("After %d:", i)
		all = append(all, spec.Example{Prompt: prompt, Input: prompt, Answer: fmt.Sprint(i + 1), Label: -1,
			Fields: map[string]any{"n": fmt.Sprint(i), "answer": fmt.Sprint(i + 1)}})
	}
	d.split(all)
	return d
}
