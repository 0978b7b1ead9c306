package generate

import (
	"context"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// prefixed puts a random prefix on a model: vectors that enter it, or keys and
// values of every layer.
func prefixed(t *testing.T, m *model.Model, kv bool) {
	t.Helper()
	const n = 5
	cfg, rng := m.Config(), spec.Stream(1, "prefix")
	random := func(cols int) []float32 {
		out := make([]float32, n*cols)
		for i := range out {
			out[i] = float32(rng.NormFloat64())
		}
		return out
	}
	p := &model.Prefix{Len: n}
	if kv {
		width := cfg.KVHeads * cfg.HeadDim
		var ks, vs [][]float32
		for range cfg.Layers {
			ks, vs = append(ks, random(width)), append(vs, random(width))
		}
		p.KV = func(t *autograd.Tape, l int) (k, v *autograd.Var) {
			return t.Const([]int{n, width}, ks[l]), t.Const([]int{n, width}, vs[l])
		}
	} else {
		x := random(cfg.HiddenSize)
		p.Input = func(t *autograd.Tape) *autograd.Var { return t.Const([]int{n, cfg.HiddenSize}, x) }
	}
	if err := m.SetPrefix(p); err != nil {
		t.Fatal(err)
	}
}

// With a prefix, decoding and scoring from a cache give what whole sequences
// give, and the context ends as much earlier.
func TestDecodingAndScoringBehindAPrefix(t *testing.T) {
	for _, name := range []string{"llama", "gpt2"} {
		for _, kv := range []bool{false, true} {
			m, x := load(t, name)
			prefixed(t, m, kv)
			res, err := Generate(context.Background(), m, x.Prompts, Options{MaxNewTokens: 8, MaxBatch: 3, StopIDs: []int{}})
			if err != nil {
				t.Fatal(err)
			}
			changed := false
			var seqs [][]int
			var from []int
			for i, r := range res {
				s := slices.Clone(x.Prompts[i])
				for range 8 {
					tape := autograd.NewTape(m.Engine(), false)
					logits := m.Logits(tape, tape.Rows(m.Hidden(tape, model.Pack(s)), []int32{int32(len(s) - 1)})).Value()
					tape.Release()
					s = append(s, slices.Index(logits, slices.Max(logits)))
				}
				if got := slices.Concat(x.Prompts[i], r.IDs); !slices.Equal(got, s) {
					t.Errorf("%s, prompt %d: %v, without a cache %v", name, i, got, s)
				}
				changed = changed || !slices.Equal(r.IDs, x.Greedy[i][:8])
				seqs, from = append(seqs, slices.Concat([]int{9, 8}, s)), append(from, 3)
			}
			if !changed {
				t.Errorf("%s: the prefix changes nothing", name)
			}
			scorer := NewScorer(m)
			defer scorer.Free()
			whole, err := ScoreIDs(m, seqs)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time from what was kept
				tails, err := scorer.Tails(seqs, from)
				if err != nil {
					t.Fatal(err)
				}
				for i := range tails {
					close(t, tails[i], whole[i][from[i]-1:], 1e-4)
				}
			}
			full, err := Generate(context.Background(), m, [][]int{slices.Repeat([]int{9}, 40)}, Options{MaxNewTokens: 16, StopIDs: []int{}})
			if err != nil || full[0].Finish != Context || len(full[0].IDs) != 3 {
				t.Errorf("%s: a prompt of 40 in a context of 48 with a prefix of 5 ends with %+v, %v", name, full, err)
			}
		}
	}
}
