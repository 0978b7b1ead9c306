package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/quant"
)

// GenerateOptions say what Generate does.
type GenerateOptions struct {
	Config    string `json:"config"`     // a decoder among Configs
	Streams   int    `json:"streams"`    // sequences side by side
	Prompt    int    `json:"prompt"`     // tokens of each prompt
	NewTokens int    `json:"new_tokens"` // of each stream
	Rounds    int    `json:"rounds"`     // the rates are of the median one
	Precision string `json:"precision"`  // F32, BF16 or NF4
	Threads   int    `json:"threads"`    // 0: all cores
}

// GenerateResult is what Generate measured.
type GenerateResult struct {
	GenerateOptions
	TokensPerSecond        float64 `json:"tokens_per_second"`         // new tokens of all streams over the whole time, prompts included
	DecodeTokensPerSecond  float64 `json:"decode_tokens_per_second"`  // those after each stream's first
	PrefillTokensPerSecond float64 `json:"prefill_tokens_per_second"` // prompt tokens, until each stream has its first new one
	PeakMemory             int64   `json:"peak_memory_bytes"`         // of the process, from the first round on
	SetupMemory            int64   `json:"setup_peak_memory_bytes"`   // before it, while random weights were drawn
	Parameters             int64   `json:"parameters"`
	Machine                Machine `json:"machine"`
}

func (o *GenerateOptions) check(context int) error {
	switch {
	case o.Streams < 1 || o.Prompt < 1 || o.Rounds < 1:
		return fmt.Errorf("streams, prompt and rounds are 1 at least")
	case o.NewTokens < 2:
		return fmt.Errorf("new tokens: 2 at least, one from the prompt and one from a step of decoding")
	case o.Prompt+o.NewTokens > context:
		return fmt.Errorf("prompt and new tokens: %d are more than the context of %s, %d", o.Prompt+o.NewTokens, o.Config, context)
	}
	return nil
}

// Generate measures greedy generation from random prompts by a decoder of
// random weights, which no end token stops.
func Generate(ctx context.Context, o GenerateOptions) (GenerateResult, error) {
	if isEncoder(o.Config) {
		return GenerateResult{}, fmt.Errorf("config: %s is an encoder and generates nothing", o.Config)
	}
	raw, err := configJSON(o.Config)
	if err != nil {
		return GenerateResult{}, err
	}
	e, err := openEngine(o.Precision, o.Threads)
	if err != nil {
		return GenerateResult{}, err
	}
	defer e.Close()
	o.Threads = e.Threads()
	r := GenerateResult{GenerateOptions: o, Machine: thisMachine(e)}
	rng := spec.Stream(1, "bench")
	m, err := randomDecoder(raw, e, rng)
	if err != nil {
		return r, err
	}
	if err := o.check(m.ContextLength()); err != nil {
		return r, err
	}
	r.Parameters = m.ParamCount()
	if o.Precision == NF4 {
		if _, err := quant.Freeze(m); err != nil {
			return r, err
		}
	}
	fill(m.Params())
	prompts := randomTokens(m.Config().VocabSize, o.Streams, o.Prompt, rng)
	r.SetupMemory = peakMemory()
	resetPeak()
	whole, decode, prefill := make([]float64, o.Rounds), make([]float64, o.Rounds), make([]float64, o.Rounds)
	for k := range o.Rounds {
		var first time.Duration // until the last stream has its first token
		seen, start := make([]bool, o.Streams), time.Now()
		_, err := generate.Generate(ctx, m, prompts, generate.Options{MaxNewTokens: o.NewTokens, StopIDs: []int{}, MaxBatch: o.Streams,
			OnToken: func(prompt, _, _ int) {
				if !seen[prompt] {
					seen[prompt], first = true, time.Since(start)
				}
			}})
		if err != nil {
			return r, err
		}
		total := time.Since(start)
		whole[k] = float64(o.Streams*o.NewTokens) / total.Seconds()
		decode[k] = float64(o.Streams*(o.NewTokens-1)) / (total - first).Seconds()
		prefill[k] = float64(o.Streams*o.Prompt) / first.Seconds()
	}
	r.PeakMemory = peakMemory()
	r.TokensPerSecond, r.DecodeTokensPerSecond, r.PrefillTokensPerSecond = median(whole), median(decode), median(prefill)
	return r, nil
}
