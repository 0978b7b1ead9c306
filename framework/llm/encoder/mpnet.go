package encoder

import (
	"math"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// MPNet (Song et al. 2020, arXiv:2004.09297; transformers, modeling_mpnet.py):
// RoBERTa without token types, with a relative position bias that all layers
// share.
const MPNet = "mpnet"

var mpnetFamily = family{
	class: "MPNetModel", mlmClass: "MPNetForMaskedLM", prefix: "mpnet.",
	names: mpnetNames(),
	mlm:   lmHead,
	label: denseAndOut("tanh"),
	heads: []string{"classifier.", "qa_outputs."},
	read: func(f *checkpoint.Fields) Config {
		c := bertLike(f)
		c.TypeVocab = 0
		c.PAD, c.PadPosition = 1, 1 // fixed in the code, whatever pad_token_id is
		c.Buckets = f.Int("relative_attention_num_buckets", mpnetBuckets)
		if c.Buckets < mpnetBuckets {
			f.Fail("relative_attention_num_buckets", "%d is not supported: the bias is read by %d buckets", c.Buckets, mpnetBuckets)
		}
		return c
	},
}

func mpnetNames() names {
	n := bertNames
	n.types, n.bias = "", "encoder.relative_attention_bias"
	n.q, n.k, n.v, n.o = "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"
	n.attnNorm = "attention.LayerNorm"
	return n
}

// mpnetBuckets of distances are looked up, whatever the table's size
// (compute_position_bias).
const mpnetBuckets = 32

// bucket is the row of the bias for a key d places after the query's own
// (Raffel et al. 2020, arXiv:1910.10683, section 2.1; relative_position_bucket):
// half of the rows for each direction, of which the first half are single
// distances and the others logarithmic up to 128.
func bucket(d int) int {
	const half, exact, farthest = mpnetBuckets / 2, mpnetBuckets / 4, 128
	first := 0
	if d > 0 {
		first = half
	} else {
		d = -d
	}
	if d < exact {
		return first + d
	}
	// In float32, where transformers rounds.
	part := float32(math.Log(float64(float32(d)/exact))) / float32(math.Log(farthest/exact)) * (half - exact)
	return first + min(exact+int(part), half-1)
}

// bucketsUpTo are the rows for the distances -(p-1) to p-1.
func bucketsUpTo(p int) []int32 {
	out := make([]int32, 2*p-1)
	for i := range out {
		out[i] = int32(bucket(i - (p - 1)))
	}
	return out
}
