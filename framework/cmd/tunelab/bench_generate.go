package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/bench"
)

type benchGenerateCmd struct {
	Config    string `help:"Shape: tiny, llama-15m, gpt2 or smollm-135m." enum:"tiny,llama-15m,gpt2,smollm-135m" default:"tiny"`
	Streams   int    `help:"Sequences side by side." default:"1"`
	Prompt    int    `help:"Tokens of each prompt." default:"32"`
	NewTokens int    `help:"New tokens of each stream." default:"64"`
	Rounds    int    `help:"The rates are of the median round." default:"3"`
	Precision string `help:"Weights and arithmetic: f32, bf16, or nf4 (linear layers in 4 bits)." enum:"f32,bf16,nf4" default:"f32"`
	Threads   int    `help:"Threads. 0: all cores." placeholder:"N"`
}

func (c *benchGenerateCmd) Run(a *app) error {
	var r bench.GenerateResult
	if err := bench.Isolated(a.ctx, worker, bench.Request{Generate: &bench.GenerateOptions{Config: c.Config, Streams: c.Streams, Prompt: c.Prompt,
		NewTokens: c.NewTokens, Rounds: c.Rounds, Precision: c.Precision, Threads: c.Threads}}, &r); err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, r)
	}
	fmt.Fprintln(a.out, machineLine(r.Machine))
	return columns(a.out, []string{
		fmt.Sprintf("tokens a second\t%.1f, after each stream's first %.1f", r.TokensPerSecond, r.DecodeTokensPerSecond),
		fmt.Sprintf("prompt tokens a second\t%.0f", r.PrefillTokensPerSecond),
		fmt.Sprintf("peak memory\t%d MiB", r.PeakMemory>>20),
	})
}
