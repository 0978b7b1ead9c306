package bench

import (
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/compute"
)

// kernelCase is one call of an op.
type kernelCase struct {
	op    *compute.Op
	what  string
	ints  []int64
	bytes int64 // of its traffic, where it touches a part of its buffers alone; 0: as the op's record says
}

// Sizes of GPT-2 124M in a step of 4 sequences of 256 tokens.
const (
	tokens, width, inner, vocab = 1024, 768, 3072, 50257
	heads, headDim, batches     = 12, 64, 4
)

// shapes are the calls of the ops whose sizes mean something of their own, by
// the integer arguments of their records.
var shapes = map[string][]kernelCase{
	"gemm": {
		{what: "GPT-2 MLP, forward", ints: []int64{tokens, inner, width, 0, 1}},
		{what: "the same, gradient to x", ints: []int64{tokens, width, inner, 0, 0}},
		{what: "the same, gradient to W", ints: []int64{inner, width, tokens, 1, 0}},
		{what: "both transposed", ints: []int64{tokens, inner, width, 1, 1}},
		{what: "GPT-2 output layer, forward", ints: []int64{tokens, vocab, width, 0, 1}},
		{what: "the same, gradient to x", ints: []int64{tokens, width, vocab, 0, 0}},
		{what: "the same, gradient to W", ints: []int64{vocab, width, tokens, 1, 0}},
		{what: "tiny MLP, forward", ints: []int64{tokens, 512, 192, 0, 1}},
		{what: "the same, gradient to W", ints: []int64{512, 192, tokens, 1, 0}},
		{what: "LoRA, down", ints: []int64{tokens, 8, width, 0, 1}},
		{what: "LoRA, up", ints: []int64{tokens, width, 8, 0, 1}},
		{what: "GPT-2 MLP, 1 token", ints: []int64{1, inner, width, 0, 1}},
		{what: "GPT-2 MLP, 16 tokens", ints: []int64{16, inner, width, 0, 1}},
		{what: "GPT-2 output layer, 1 token", ints: []int64{1, vocab, width, 0, 1}},
	},
	"gemm_nf4": {
		{what: "GPT-2 MLP, forward", ints: []int64{256, inner, width, 1}},
		{what: "the same, gradient to x", ints: []int64{256, width, inner, 0}},
		{what: "GPT-2 MLP, 1 token", ints: []int64{1, inner, width, 1}},
	},
	"gemm_bf16": {
		{what: "GPT-2 MLP, forward", ints: []int64{tokens, inner, width, 0, 1}},
		{what: "the same, gradient to x", ints: []int64{tokens, width, inner, 0, 0}},
		{what: "the same, gradient to W", ints: []int64{inner, width, tokens, 1, 0}},
		{what: "GPT-2 output layer, forward", ints: []int64{tokens, vocab, width, 0, 1}},
		{what: "GPT-2 MLP, 1 token", ints: []int64{1, inner, width, 0, 1}},
	},
	"gemm_nf4_bf16": {
		{what: "GPT-2 MLP, forward", ints: []int64{256, inner, width, 1}},
		{what: "the same, gradient to x", ints: []int64{256, width, inner, 0}},
	},
	"dequant_nf4": {{what: "GPT-2 MLP", ints: []int64{inner * width}}},
	"transpose":   {{what: "GPT-2 MLP", ints: []int64{inner, width}}},
	"copy":        {{what: "GPT-2 hidden states", ints: []int64{tokens * width}}},
	"dropout":     {{what: "GPT-2 hidden states", ints: []int64{tokens * width, 1, 2}}},
	"adamw": {
		{what: "GPT-2 embedding", ints: []int64{vocab * width}},
		{what: "GPT-2 MLP", ints: []int64{inner * width}},
	},
	"attention":      append(attentionShapes, kernelCase{what: "GPT-2, 16 streams, 512 tokens each", ints: []int64{16, heads, heads, headDim, 16, 1, 16 * 512, 16 * 512}}),
	"attention_grad": attentionShapes,
	"rope":           {{what: "tiny", ints: []int64{tokens, 6, 32, 1, 0, tokens}}},
	"gather_rows":    {{what: "GPT-2 embedding", ints: []int64{tokens, width, vocab}, bytes: 2 * 4 * tokens * width}},
	"scatter_add_rows": {
		{what: "GPT-2 embedding", ints: []int64{tokens, width, vocab}, bytes: 3 * 4 * tokens * width},
		{what: "GPT-2 positions", ints: []int64{tokens, width, tokens / batches}},
	},
	"put_rows":          {{what: "cache, 16 streams", ints: []int64{16, width, 16 * 1024}, bytes: 2 * 4 * 16 * width}},
	"segment_mean":      {{what: "16 sequences", ints: []int64{tokens, width, 16}}},
	"segment_mean_grad": {{what: "16 sequences", ints: []int64{tokens, width, 16}}},
	"nll":               lossShapes,
	"nll_grad":          lossShapes,
	"cross_entropy":     lossShapes,
	"log_prob":          lossShapes,
	"log_prob_grad":     lossShapes,
}

var lossShapes = []kernelCase{
	{what: "GPT-2", ints: []int64{tokens, vocab}},
	{what: "tiny", ints: []int64{tokens, 2048}},
}

var attentionShapes = []kernelCase{
	{what: "GPT-2, 4 x 256", ints: packed(4, 256, heads, heads, headDim, true)},
	{what: "GPT-2, 1 x 1024", ints: packed(1, 1024, heads, heads, headDim, true)},
	{what: "tiny, 8 x 128", ints: packed(8, 128, 6, 6, 32, true)},
	{what: "SmolLM, 4 x 128, grouped", ints: packed(4, 128, 9, 3, 64, true)},
	{what: "DistilBERT, 16 x 64", ints: packed(16, 64, heads, heads, headDim, false)},
}

// packed are the integers of attention over sequences of equal length.
func packed(seqs, length, heads, kv, dim int64, causal bool) []int64 {
	if causal {
		return []int64{seqs * length, heads, kv, dim, seqs, 1, seqs * length * (length + 1) / 2, seqs * length}
	}
	return []int64{seqs * length, heads, kv, dim, seqs, 0, seqs * length * length, seqs * length}
}

// casesOf lists an op's calls: its own, or those of any op over elements or
// rows; none for an op whose sizes are not known here.
func casesOf(op *compute.Op) []kernelCase {
	list := append([]kernelCase(nil), shapes[op.Name]...)
	if list == nil && len(op.Ints) > 0 {
		switch {
		case len(op.Ints) == 1 && op.Ints[0] == "n":
			list = []kernelCase{{what: "GPT-2 MLP", ints: []int64{tokens * inner}}}
		case len(op.Ints) == 2 && op.Ints[0] == "N" && op.Ints[1] == "C":
			list = []kernelCase{{what: "GPT-2 hidden states", ints: []int64{tokens, width}}}
		}
	}
	for i := range list {
		list[i].op = op
	}
	return list
}

// floats are values of float arguments by name; others are 0.
var floats = map[string]float64{"lr": 1e-4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "wd": 0.01, "c1": 0.1, "c2": 0.001, "gscale": 1,
	"p": 0.1, "lo": 0.1, "hi": 0.4, "s": 1, "v": 1, "scale": 0.125, "temperature": 1}

// args allocates and fills what the call needs, and says how many bytes it is.
func (c kernelCase) args(e compute.Engine) (a compute.Args, size int64) {
	copy(a.Int[:], c.ints)
	for k, name := range c.op.Floats {
		a.Float[k] = floats[name]
	}
	var need [compute.MaxBufs]int64
	c.op.Sizes(&a.Int, &need)
	rng := rand.New(rand.NewPCG(1, 2))
	for k, arg := range c.op.Bufs {
		n := int(need[k])
		if n == 0 && arg.Dir&compute.Optional != 0 {
			continue
		}
		size += need[k] * int64(arg.Type.Size())
		a.Buf[k] = e.Alloc(arg.Type, n)
		switch arg.Type {
		case compute.F32:
			x := make([]float32, n)
			for i := range x {
				x[i] = 0.01 + float32(uint32(i)*2654435761>>23)/1024 // up to 0.5, quicker than random ones
			}
			e.Upload(a.Buf[k], x)
		case compute.U8:
			x := make([]uint8, n)
			for i := range x {
				x[i] = uint8(uint32(i) * 2654435761 >> 24)
			}
			e.Upload(a.Buf[k], x)
		case compute.I32:
			e.Upload(a.Buf[k], c.indices(arg.Name, n, rng))
		}
	}
	if c.bytes > 0 {
		size = c.bytes
	}
	return a, size
}

// indices fills an I32 argument by its name.
func (c kernelCase) indices(name string, n int, rng *rand.Rand) []int32 {
	x := make([]int32, n)
	switch name {
	case "seg":
		queries, seqs, keys := c.ints[0], int64(n/4), c.ints[7]
		for s := range seqs {
			copy(x[4*s:], []int32{int32(s * queries / seqs), int32(queries / seqs), int32(s * keys / seqs), int32(keys / seqs)})
		}
	case "start":
		for s := range x {
			x[s] = int32(int64(s) * c.ints[0] / int64(n-1))
		}
	case "target":
		for i := range x {
			x[i] = int32(rng.Int64N(c.ints[1]))
		}
	case "pos":
		for i := range x {
			x[i] = int32(int64(i) % c.ints[5])
		}
	default: // rows of a table: spread over it, each but once where it is large enough
		rows := c.ints[2]
		for i := range x {
			x[i] = int32(int64(i) * max(rows/int64(n), 1) % rows)
		}
	}
	return x
}
