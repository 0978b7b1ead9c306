package tune

import (
	"context"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
)

// LM is a model with its tokenizer, ready for inference.
type LM struct {
	Model *model.Model
	Tok   *tokenizer.Tokenizer
}

// Open loads the model folder dir on the engine that c names. A folder of an
// encoder is an error: it does not write.
func Open(dir string, c spec.Compute) (*LM, error) {
	if ds := needsDecoder(dir); len(ds) > 0 {
		return nil, ds
	}
	e, err := engine(c)
	if err != nil {
		return nil, err
	}
	m, err := model.Load(dir, e, model.Options{})
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return nil, err
	}
	return &LM{Model: m, Tok: tok}, nil
}

func engine(c spec.Compute) (compute.Engine, error) {
	return compute.OpenPrecise(c.Engine, c.Precision, c.Threads)
}

// Tokens counts a prompt's tokens, the special start token included.
func (lm *LM) Tokens(text string) int { return len(lm.Tok.Encode(text, true)) }

// Room is how many prompt tokens fit when n more are to be generated: at
// least one of them must.
func (lm *LM) Room(n int) int { return lm.Model.ContextLength() - max(n, 1) }

// GenerateOptions of one batch of prompts.
type GenerateOptions struct {
	MaxNew      int
	Temperature float64 // 0: greedy
	TopP        float64 // 0: off
	Samples     int     // per prompt; 0 means 1
	Stop        []string
	Seed        int64
	Cut         bool // a prompt too long for the context loses its front, to leave a quarter of the context or MaxNew tokens; else it is an error
}

// Generate continues prompts and hands over the samples of each, in order.
// Generation ends at an end token, a stop string, MaxNew tokens or the
// context's end.
func (lm *LM) Generate(ctx context.Context, prompts []string, o GenerateOptions, done func(i int, samples []generate.Result) error) error {
	samples := max(o.Samples, 1)
	const batch = 16 // sequences decoded side by side; results reach the caller batch by batch
	per := max(batch/samples, 1)
	for lo := 0; lo < len(prompts); lo += per {
		hi := min(lo+per, len(prompts))
		var ids [][]int
		var keys []uint64
		for i := lo; i < hi; i++ {
			prompt := lm.Tok.Encode(prompts[i], true)
			if o.Cut && len(prompt) > lm.Room(1) {
				prompt, _, _ = generate.CutFront(lm.Tok, prompt, len(prompt), lm.Room(min(o.MaxNew, lm.Model.ContextLength()/4)))
			}
			ids = append(ids, prompt)
			keys = append(keys, uint64(i))
		}
		res, err := generate.Generate(ctx, lm.Model, ids, generate.Options{
			MaxNewTokens: o.MaxNew, Temperature: o.Temperature, TopP: o.TopP, NumSamples: samples, MaxBatch: batch,
			StopStrings: o.Stop, Tokenizer: lm.Tok, Seed: spec.StreamSeed(o.Seed, spec.StreamSampling), Keys: keys,
		})
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			if err := done(i, res[(i-lo)*samples:(i-lo+1)*samples]); err != nil {
				return err
			}
		}
	}
	return nil
}
