package base

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tunelab/tunelab/framework/base/gen"
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// PretrainConfig decides the base model; equal configurations give equal bits.
type PretrainConfig struct {
	Seed         int64
	Hidden       int     // width
	Layers       int     // decoder layers
	Heads        int     // query heads
	KVHeads      int     // key and value heads
	Intermediate int     // width of the gated MLP
	Vocab        int     // byte-level BPE entries, specials included
	Context      int     // tokens
	Steps        int     // optimiser steps
	BatchTokens  int     // tokens in a step, at least
	LearningRate float64 // peak of a cosine schedule
	Warmup       int     // steps
	Engine       string
	Threads      int
}

// DefaultPretrain is the configuration of the embedded model.
func DefaultPretrain() PretrainConfig {
	return PretrainConfig{Seed: 1, Hidden: 128, Layers: 6, Heads: 4, KVHeads: 2, Intermediate: 352, Vocab: 1200, Context: 512,
		Steps: 6000, BatchTokens: 4096, LearningRate: 3e-3, Warmup: 100, Engine: "cpu"}
}

// tokenizerDocuments is how much of the corpus the tokenizer is trained on.
const tokenizerDocuments = 20000

// HeldOutDocuments is how many documents of the held-out split ship with the
// model, for measuring what tuning makes it forget.
const HeldOutDocuments = 100

// PretrainUpdate reports one step.
type PretrainUpdate struct {
	Step, Steps     int
	Loss            float64 // nats per token
	TokensPerSecond float64
}

// Pretrain trains a base model from scratch and writes it to dir in Hugging
// Face form with its tokenizer and held-out text.
func Pretrain(ctx context.Context, c PretrainConfig, dir string, watch func(PretrainUpdate)) error {
	tok, err := tokenizer.Train(take(gen.Corpus(uint64(c.Seed), gen.Train), tokenizerDocuments), tokenizer.TrainOptions{
		VocabSize: c.Vocab, Special: []string{"<pad>", "<s>", "</s>"}, PAD: "<pad>", BOS: "<s>", EOS: "</s>", AddBOS: true, ContextLength: c.Context})
	if err != nil {
		return fmt.Errorf("train the tokenizer: %w", err)
	}
	e, err := compute.Open(c.Engine, c.Threads)
	if err != nil {
		return err
	}
	m, err := newModel(c, tok, e)
	if err != nil {
		return err
	}
	var params []*autograd.Param
	for _, p := range m.Params() {
		p.Trainable = true
		params = append(params, p)
	}
	opt := optim.NewAdamW(params, optim.Config{WeightDecay: 0.01, Beta2: 0.98})
	schedule := optim.Schedule{Kind: "cosine", Peak: c.LearningRate, Total: c.Steps, WarmupSteps: c.Warmup}
	if err := schedule.Validate(); err != nil {
		return err
	}
	next, stop := batches(c, tok)
	defer stop()
	last, tokens := time.Now(), 0
	for step := range c.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := next()
		loss, err := pretrainStep(m, b)
		if err != nil {
			return err
		}
		if math.IsNaN(loss) {
			return fmt.Errorf("the loss became NaN at step %d: lower the learning rate", step)
		}
		if _, err := optim.ClipGradNorm(params, 1); err != nil {
			return err
		}
		if err := opt.Step(schedule.Rate(step), 1); err != nil {
			return err
		}
		optim.ZeroGrad(params)
		tokens += len(b.IDs)
		if watch != nil && (step%10 == 9 || step == c.Steps-1) {
			watch(PretrainUpdate{Step: step + 1, Steps: c.Steps, Loss: loss, TokensPerSecond: float64(tokens) / time.Since(last).Seconds()})
			last, tokens = time.Now(), 0
		}
	}
	if err := m.Save(dir); err != nil {
		return err
	}
	if err := tok.Save(dir); err != nil {
		return err
	}
	return writeHeldOut(dir, c.Seed)
}

func take(docs iter.Seq[string], n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		left := n
		for doc := range docs {
			if left--; left < 0 || !yield(doc) {
				return
			}
		}
	}
}

func newModel(c PretrainConfig, tok *tokenizer.Tokenizer, e compute.Engine) (*model.Model, error) {
	cfg := checkpoint.Config{
		Family: checkpoint.Llama, HiddenSize: c.Hidden, Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads,
		HeadDim: c.Hidden / c.Heads, IntermediateSize: c.Intermediate, VocabSize: tok.VocabSize(), MaxPositions: c.Context,
		NormEps: 1e-5, RopeTheta: 10000, TieEmbeddings: true, InitStd: 0.02,
		BOS: tok.BOS(), EOS: []int{tok.EOS()}, PAD: tok.PAD(),
	}
	return model.New(cfg, e, rand.New(rand.NewChaCha8(spec.StreamSeed(c.Seed, spec.StreamInit))))
}

// batches cuts the corpus into packed batches of whole documents. Call stop
// when no more are needed.
func batches(c PretrainConfig, tok *tokenizer.Tokenizer) (next func() model.Batch, stop func()) {
	doc, stop := iter.Pull(gen.Corpus(uint64(c.Seed), gen.Train))
	return func() model.Batch {
		var b model.Batch
		for len(b.IDs) < c.BatchTokens {
			text, _ := doc() // the corpus has no end
			ids := append(tok.Encode(text, true), tok.EOS())
			ids = ids[:min(len(ids), c.Context)]
			for _, id := range ids {
				b.IDs = append(b.IDs, int32(id))
			}
			b.SeqLens = append(b.SeqLens, len(ids))
		}
		return b
	}, stop
}

// pretrainStep runs forward and backward; every token but the first of a
// document is predicted.
func pretrainStep(m *model.Model, b model.Batch) (loss float64, err error) {
	t := autograd.NewTape(m.Engine(), true)
	defer t.Release()
	err = autograd.Catch(func() {
		l := m.NextTokenLoss(t, b)
		t.Backward(l)
		loss = float64(l.Value()[0])
	})
	return loss, err
}
