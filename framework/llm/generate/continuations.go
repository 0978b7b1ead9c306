package generate

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// EncodePair encodes a context with its continuation as
// EleutherAI/lm-evaluation-harness does (lm_eval/api/model.py, _encode_pair):
// trailing white space of the context moves into the continuation, the two are
// encoded whole, and the continuation begins at ids[n], n being the length of
// the context encoded alone. Where nothing stands before the continuation, the
// start token does, or the end token if there is no start token.
func EncodePair(tok *tokenizer.Tokenizer, context, continuation string) (ids []int, n int) {
	trimmed := strings.TrimRightFunc(context, unicode.IsSpace)
	continuation = context[len(trimmed):] + continuation
	ids, n = tok.Encode(trimmed+continuation, true), len(tok.Encode(trimmed, true))
	if n > 0 {
		return ids, n
	}
	start := tok.BOS()
	if start < 0 {
		start = tok.EOS()
	}
	if start < 0 {
		return ids, 0
	}
	return append([]int{start}, ids...), 1
}

// Continuation is the score of one continuation.
type Continuation struct {
	LogLikelihood float64   // sum of LogProbs
	LogProbs      []float64 // natural log of each of its tokens' probabilities
	Tokens        int
}

// ScoreContinuations scores continuations[i] after contexts[i]. Neighbours
// with one context share its computation.
func ScoreContinuations(m *model.Model, tok *tokenizer.Tokenizer, contexts, continuations []string) ([]Continuation, error) {
	if len(contexts) != len(continuations) {
		return nil, fmt.Errorf("score continuations: %d contexts but %d continuations", len(contexts), len(continuations))
	}
	out := make([]Continuation, len(contexts))
	for lo := 0; lo < len(contexts); {
		hi := lo + 1
		for hi < len(contexts) && contexts[hi] == contexts[lo] {
			hi++
		}
		var seqs [][]int
		var from []int
		for i := lo; i < hi; i++ {
			ids, n := EncodePair(tok, contexts[i], continuations[i])
			if n >= len(ids) {
				return nil, fmt.Errorf("continuation %d: %q adds no token to its context", i, continuations[i])
			}
			seqs, from = append(seqs, ids), append(from, n)
		}
		lps, err := ScoreTails(m, seqs, from)
		if err != nil {
			return nil, fmt.Errorf("continuations %d to %d: %w", lo, hi-1, err)
		}
		for i, lp := range lps {
			c := Continuation{LogProbs: lp, Tokens: len(lp)}
			for _, v := range lp {
				c.LogLikelihood += v
			}
			out[lo+i] = c
		}
		lo = hi
	}
	return out, nil
}

// tailSequences is how many sequences ScoreTails runs side by side.
const tailSequences = 64

// ScoreTails gives the natural log-probabilities of seqs[i][from[i]:], each
// token given all before it; from[i] is at least 1. What all sequences begin
// with is computed once, so that many choices of one context cost little more
// than one.
func ScoreTails(m *model.Model, seqs [][]int, from []int) ([][]float64, error) {
	longest := 0
	for i, s := range seqs {
		switch {
		case len(s) > m.ContextLength():
			return nil, fmt.Errorf("sequence %d: %d tokens are more than the model's context of %d; shorten the context", i, len(s), m.ContextLength())
		case from[i] < 1 || from[i] >= len(s):
			return nil, fmt.Errorf("sequence %d: nothing can be scored from token %d of %d; the first token needs one before it", i, from[i], len(s))
		}
		if err := checkIDs(m, s); err != nil {
			return nil, fmt.Errorf("sequence %d: %w", i, err)
		}
		longest = max(longest, len(s))
	}
	if len(seqs) == 0 {
		return nil, nil
	}
	shared := sharedPrefix(seqs, from)
	if len(seqs) == 1 || shared == 0 {
		all, err := ScoreIDs(m, seqs)
		for i := range all {
			all[i] = all[i][from[i]-1:]
		}
		return all, err
	}
	var out [][]float64
	slots := min(len(seqs), tailSequences)
	cache := m.NewCache(slots+1, longest) // the last slot keeps the prefix
	defer cache.Free()
	err := autograd.Catch(func() {
		t := autograd.NewTape(m.Engine(), false)
		defer t.Release()
		m.HiddenCached(t, model.Pack(seqs[0][:shared]), cache, []int{slots})
	})
	for lo := 0; err == nil && lo < len(seqs); lo += slots {
		hi := min(lo+slots, len(seqs))
		var tails [][]int
		var rows, targets []int32
		var use []int
		at := 0
		for i := lo; i < hi; i++ {
			tails, use = append(tails, seqs[i][shared:]), append(use, i-lo)
			for j := from[i]; j < len(seqs[i]); j++ {
				rows = append(rows, int32(at+j-1-shared))
				targets = append(targets, int32(seqs[i][j]))
			}
			at += len(seqs[i]) - shared
		}
		var lp []float64
		lp, err = scoreRows(m, rows, targets, func(t *autograd.Tape) *autograd.Var {
			for _, s := range use {
				cache.CopySlot(s, slots)
			}
			return m.HiddenCached(t, model.Pack(tails...), cache, use)
		})
		for i := lo; err == nil && i < hi; i++ {
			n := len(seqs[i]) - from[i]
			out, lp = append(out, lp[:n:n]), lp[n:]
		}
	}
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return out, nil
}

// sharedPrefix is how many tokens all sequences begin with, one less than the
// first scored one at most: its probability needs the token before it.
func sharedPrefix(seqs [][]int, from []int) int {
	n := from[0] - 1
	for i, s := range seqs {
		n = min(n, from[i]-1)
		for j := range n {
			if s[j] != seqs[0][j] {
				n = j
				break
			}
		}
	}
	return n
}
