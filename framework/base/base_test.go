package base

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

func TestEmbeddedModelIsWholeAndAsConfigured(t *testing.T) {
	dir, err := Unpack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unpack(filepath.Dir(dir))
	if err != nil || again != dir {
		t.Errorf("unpacked again to %s (%v), not %s", again, err, dir)
	}
	cfg, err := checkpoint.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultPretrain()
	if cfg.HiddenSize != c.Hidden || cfg.Layers != c.Layers || cfg.Heads != c.Heads || cfg.KVHeads != c.KVHeads || cfg.IntermediateSize != c.Intermediate || cfg.VocabSize != c.Vocab || cfg.MaxPositions != c.Context {
		t.Errorf("the embedded model %+v is not what tunelab pretrain would make, %+v: train it again", cfg, c)
	}
	e, err := compute.Open("cpu", 2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	held, err := HeldOut(dir)
	if err != nil || len(held) != HeldOutDocuments {
		t.Fatalf("%d held-out documents, want %d (%v)", len(held), HeldOutDocuments, err)
	}
	var ids [][]int
	for _, it := range held[:20] {
		ids = append(ids, tok.Encode(it.Target, true))
	}
	lps, err := generate.ScoreIDs(m, ids)
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0.0, 0
	for _, lp := range lps {
		for _, v := range lp {
			sum, n = sum-v, n+1
		}
	}
	if loss := sum / float64(n); !(loss < 1) {
		t.Errorf("the embedded model has %.3f nats a token on its held-out text; a trained one has under 1", loss)
	}
}

func TestPretrainGivesTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	c := PretrainConfig{Seed: 3, Hidden: 32, Layers: 2, Heads: 2, KVHeads: 1, Intermediate: 64, Vocab: 400, Context: 128,
		Steps: 3, BatchTokens: 512, LearningRate: 1e-3, Warmup: 1, Engine: "cpu"}
	var first []byte
	for threads := 1; threads <= 2; threads++ {
		c.Threads = threads
		dir := t.TempDir()
		steps := 0
		if err := Pretrain(context.Background(), c, dir, func(u PretrainUpdate) { steps = u.Step }); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, checkpoint.WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		if steps != c.Steps {
			t.Errorf("%d steps reported, want %d", steps, c.Steps)
		}
		if threads == 1 {
			first = raw
		} else if !bytes.Equal(raw, first) {
			t.Error("two threads give other weights than one")
		}
	}
}

func TestHeldOutMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "held.jsonl")
	if err := os.WriteFile(path, []byte("{\"text\": \"a\"}\n{\"txt\": \"b\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadHeldOut(path); err == nil || !strings.Contains(err.Error(), path+":2") {
		t.Errorf("a line without text: %v", err)
	}
	if _, err := ReadHeldOut(path + ".none"); err == nil {
		t.Error("a missing file is no error")
	}
	if items, err := HeldOut(t.TempDir()); err != nil || len(items) != 0 {
		t.Errorf("a model without held-out text: %v, %v", items, err)
	}
}
