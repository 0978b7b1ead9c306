package generate

import (
	"context"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
)

// long is a random model with room for prompts of several attention blocks.
func long(t *testing.T) *model.Model {
	t.Helper()
	e, err := compute.Open("cpu", 2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(checkpoint.Config{Family: checkpoint.Llama, VocabSize: 300, HiddenSize: 72, IntermediateSize: 100, Layers: 3, Heads: 6, KVHeads: 3,
		HeadDim: 12, MaxPositions: 300, NormEps: 1e-5, RopeTheta: 1e4, TieEmbeddings: true, InitStd: 0.2}, e, spec.Stream(3, spec.StreamInit))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ids draws n tokens from the name's stream.
func ids(name string, n int) []int {
	rng, out := spec.Stream(1, name), make([]int, n)
	for i := range out {
		out[i] = rng.IntN(300)
	}
	return out
}

// What stands in the cache already never changes a bit: shots, then a question,
// then choices, with lengths on both sides of the attention kernel's blocks.
func TestWhatAScorerKeptChangesNoBit(t *testing.T) {
	m := long(t)
	kept := NewScorer(m)
	defer kept.Free()
	shots := ids("shots", 130)
	var spent, alone float64
	for _, q := range []string{"a", "b", "c", "d"} {
		prompt := slices.Concat(shots, ids(q, len(q)+20*int(q[0]-'a')))
		if q == "d" {
			prompt = prompt[40:] // shots were dropped: nothing is shared
		}
		var seqs [][]int
		var from []int
		for _, c := range []string{"x", "y", "z"} {
			seqs, from = append(seqs, slices.Concat(prompt, ids(q+c, 1+int(c[0]-'x')*3))), append(from, len(prompt))
		}
		got, err := kept.Tails(seqs, from)
		if err != nil {
			t.Fatal(err)
		}
		fresh := NewScorer(m)
		want, err := fresh.Tails(seqs, from)
		if err != nil {
			t.Fatal(err)
		}
		alone += fresh.FLOPs()
		fresh.Free()
		whole, err := ScoreIDs(m, seqs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range seqs {
			if !slices.Equal(got[i], want[i]) || !slices.Equal(got[i], whole[i][from[i]-1:]) {
				t.Errorf("question %s, choice %d: %v after other items, %v fresh, %v whole", q, i, got[i], want[i], whole[i][from[i]-1:])
			}
		}
	}
	if spent = kept.FLOPs(); !(spent < 0.7*alone) {
		t.Errorf("%g FLOPs with the prefix kept, %g without: it was not used", spent, alone)
	}
}

func TestTailsMatchWholeSequences(t *testing.T) {
	m, _ := load(t, "llama-bias")
	seqs := [][]int{{1, 5, 9, 11, 20}, {1, 5, 9, 12}, {1, 5, 9, 11, 21, 22, 23}, {1, 5, 9, 30}}
	from := []int{3, 3, 4, 3}
	s := NewScorer(m)
	got, err := s.Tails(seqs, from)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ScoreIDs(m, seqs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range seqs {
		close(t, got[i], all[i][from[i]-1:], 1e-4)
	}
	if n := sharedPrefix(seqs, from); n != 2 {
		t.Errorf("shared prefix %d", n)
	}
	many := slices.Repeat(seqs, 40) // more than one round of slots
	lps, err := s.Tails(many, slices.Repeat(from, 40))
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if !slices.Equal(lps[i], got[i%4]) {
			t.Errorf("sequence %d of many: %v, want %v", i, lps[i], got[i%4])
		}
	}
	// Nothing shared, and a first token that is scored from one before it.
	if one, err := s.Tails([][]int{{1, 5}}, []int{1}); err != nil || len(one[0]) != 1 {
		t.Errorf("a context of one token: %v, %v", one, err)
	}
}

// Prompts with the same shots give what each gives alone, and their FLOPs add
// up to less.
func TestSharedShotsChangeNoGeneration(t *testing.T) {
	m := long(t)
	shots := ids("shots", 140)
	var prompts [][]int
	for _, q := range []string{"a", "b", "c"} {
		prompts = append(prompts, slices.Concat(shots, ids(q, 9)))
	}
	o := Options{MaxNewTokens: 8, NumSamples: 2, Temperature: 1, StopIDs: []int{}, Seed: [32]byte{1}}
	together, err := Generate(context.Background(), m, prompts, o)
	if err != nil {
		t.Fatal(err)
	}
	var all, sum float64
	for i, p := range prompts {
		o.Keys = []uint64{uint64(i)}
		one, err := Generate(context.Background(), m, [][]int{p}, o)
		if err != nil {
			t.Fatal(err)
		}
		for s, r := range one {
			g := together[2*i+s]
			if !slices.Equal(g.IDs, r.IDs) || !slices.Equal(g.LogProbs, r.LogProbs) {
				t.Errorf("prompt %d sample %d: %v together, %v alone", i, s, g.IDs, r.IDs)
			}
			all, sum = all+g.FLOPs, sum+r.FLOPs
		}
	}
	if !(all < 0.6*sum) || all == 0 {
		t.Errorf("%g FLOPs together, %g one by one", all, sum)
	}
}
