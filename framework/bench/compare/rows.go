package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/bench"
)

// work is one row: the same work for both sides, in one or more precisions.
type work struct {
	name     string
	title    string
	train    bench.TrainOptions    // one of the two is set
	generate bench.GenerateOptions // likewise
	pairs    []pair
}

// pair is what is held against what, and what is aimed at; 0: no aim.
type pair struct {
	ours, torch   string
	speed, memory float64 // ours over PyTorch's: at least, at most
}

// gemmRow is the table of matrix products.
const gemmRow = "gemm"

func full(config string, batch, seq, steps int) bench.TrainOptions {
	return bench.TrainOptions{Config: config, Method: bench.Full, Batch: batch, Seq: seq, Steps: steps}
}

func adapted(method, config string, batch, seq, steps int) bench.TrainOptions {
	return bench.TrainOptions{Config: config, Method: method, Batch: batch, Seq: seq, Steps: steps}
}

func greedy(config string, streams, tokens int) bench.GenerateOptions {
	return bench.GenerateOptions{Config: config, Streams: streams, Prompt: 32, NewTokens: tokens, Rounds: 1}
}

const f32, bf16, nf4 = bench.F32, bench.BF16, bench.NF4

var rows = []work{
	{name: "tiny-full", title: "Llama 3M, full, B8 T128", train: full("tiny", 8, 128, 12), pairs: []pair{{f32, f32, 5, 0.2}}},
	{name: "tiny-lora", title: "Llama 3M, LoRA, B8 T128", train: adapted(bench.LoRA, "tiny", 8, 128, 12), pairs: []pair{{f32, f32, 5, 0}}},
	{name: "llama-15m", title: "Llama 15M, full, B4 T256", train: full("llama-15m", 4, 256, 6), pairs: []pair{{f32, f32, 2.5, 0.5}, {bf16, bf16, 3, 0.5}}},
	{name: "gpt2-full-64", title: "GPT-2 124M, full, B4 T64", train: full("gpt2", 4, 64, 4), pairs: []pair{{f32, f32, 1.8, 0.6}, {bf16, bf16, 2.5, 0.75}}},
	{name: "gpt2-full-256", title: "GPT-2 124M, full, B4 T256", train: full("gpt2", 4, 256, 3), pairs: []pair{{f32, f32, 1.6, 0.6}, {bf16, bf16, 3, 0.75}}},
	{name: "gpt2-lora", title: "GPT-2 124M, LoRA, B4 T64", train: adapted(bench.LoRA, "gpt2", 4, 64, 5), pairs: []pair{{f32, f32, 1.8, 0.4}, {bf16, bf16, 2.5, 0.4}}},
	{name: "gpt2-qlora", title: "GPT-2 124M, QLoRA, B4 T64", train: adapted(bench.QLoRA, "gpt2", 4, 64, 5), pairs: []pair{{f32, bf16, 2.5, 0.3}, {bf16, bf16, 2.5, 0.3}}},
	{name: "smollm-lora", title: "SmolLM-135M, LoRA, B4 T128", train: adapted(bench.LoRA, "smollm-135m", 4, 128, 4), pairs: []pair{{f32, f32, 2, 0}, {bf16, bf16, 3, 0}}},
	{name: "distilbert-full", title: "DistilBERT 67M, full, B16 T64", train: full("distilbert", 16, 64, 4), pairs: []pair{{f32, f32, 1.8, 0}, {bf16, bf16, 3, 0}}},
	{name: "gpt2-generate-1", title: "greedy generation, GPT-2 124M, 1 stream", generate: greedy("gpt2", 1, 64), pairs: []pair{{f32, f32, 2, 0}, {bf16, bf16, 3, 0}, {nf4, bf16, 5, 0}}},
	{name: "gpt2-generate-16", title: "greedy generation, GPT-2 124M, 16 streams", generate: greedy("gpt2", 16, 64), pairs: []pair{{f32, bf16, 3, 0}, {bf16, bf16, 3, 0}}},
	{name: "tiny-generate-1", title: "greedy generation, Llama 3M, 1 stream", generate: greedy("tiny", 1, 128), pairs: []pair{{f32, f32, 15, 0}}},
	{name: gemmRow},
}

// choose finds rows by their names, in the table's order; all where there is none.
func choose(names []string) ([]work, error) {
	if len(names) == 0 {
		return rows, nil
	}
	var have []string
	for _, w := range rows {
		have = append(have, w.name)
	}
	for _, n := range names {
		if !slices.Contains(have, n) {
			return nil, fmt.Errorf("there is no row %q; there are %s", n, strings.Join(have, ", "))
		}
	}
	var out []work
	for _, w := range rows {
		if slices.Contains(names, w.name) {
			out = append(out, w)
		}
	}
	return out, nil
}
