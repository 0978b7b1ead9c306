package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

func TestLoRAOnEncoders(t *testing.T) {
	const dense, out = c*c + c, 2*c + 2
	for family, x := range map[string]tunetest.Case{
		encoder.BERT:       {Trainable: blocks*8*2*(c+c) + out},
		encoder.DistilBERT: {Trainable: blocks*4*(4*(c+c)+2*(c+inner)) + dense + out, Params: map[string]any{"rank": 4, "target_modules": []string{"all-linear"}, "dropout": 0.1, "accumulation": 2}},
		encoder.RoBERTa:    {Trainable: blocks*8*2*(c+c) + dense + out, Params: map[string]any{"merge": true}},
		encoder.ELECTRA:    {Trainable: blocks*(8*2*(c+c)+2*c+2*c) + dense + out, Params: map[string]any{"use_dora": true, "bias": "lora_only", "merge": true}},
		encoder.ModernBERT: {Trainable: blocks*8*(c+3*c) + out},
	} {
		t.Run(family, func(t *testing.T) {
			x.Folder, x.Data, x.Frozen, x.Modes = tunetest.Folder(t, family), tunetest.Classification(), x.Params["bias"] == nil, []string{spec.ModeLabels}
			tunetest.Check(t, lora{}, x)
		})
	}
}

// The label head is what PEFT keeps with an adapter for sequence classification:
// its modules, whole.
func TestEncoderResultIsAPEFTFolder(t *testing.T) {
	for family, want := range map[string][]any{encoder.BERT: {"classifier"}, encoder.DistilBERT: {"pre_classifier", "classifier"}, encoder.MPNet: {"classifier"}} {
		r := tunetest.Run(t, tune.Method(lora{}), tunetest.Folder(t, family), tunetest.Classification(), tunetest.Options{Params: map[string]any{"max_steps": 1}})
		var config map[string]any
		if err := json.Unmarshal([]byte(r.Files(t)[peft.ConfigFile]), &config); err != nil {
			t.Fatal(err)
		}
		if config["task_type"] != "SEQ_CLS" || !reflect.DeepEqual(config["modules_to_save"], want) {
			t.Errorf("%s: task type %v, modules %v", family, config["task_type"], config["modules_to_save"])
		}
		if len(r.Files(t)) != 3 {
			t.Errorf("%s: %d files, expected the adapter's two and tunelab.json", family, len(r.Files(t)))
		}
	}
}

func TestMergeLeavesAClassifierThatLoads(t *testing.T) {
	d, m := tunetest.Classification(), tune.Method(lora{})
	r := tunetest.Run(t, m, tunetest.Folder(t, encoder.DistilBERT), d, tunetest.Options{
		Params: map[string]any{"epochs": 4, "batch_size": 8, "merge": true, "target_modules": []string{"all-linear"}}})
	if diff := r.Last(t, "merge/max_logit_diff"); !(diff < 1e-4) {
		t.Errorf("merging changed a logit by %g", diff)
	}
	dir := filepath.Join(r.Artifacts, "model")
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := encoder.LoadClassifier(dir, e)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range r.Predict(t, m, d, spec.ModeLabels) {
		b := encoder.Pack(tok.Encode(d.Validation[i].Input, true))
		tape := autograd.NewTape(e, false)
		got := merged.Logits(tape, merged.Encoder().Hidden(tape, b), b.SeqLens).Value()
		tape.Release()
		for j, want := range p.Scores {
			if !(math.Abs(float64(got[j])-want) < 1e-4) {
				t.Errorf("item %s: logits %v, with the adapter %v", p.ID, got, p.Scores)
			}
		}
	}
}
