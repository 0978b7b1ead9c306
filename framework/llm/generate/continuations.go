package generate

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
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
}

// Continuations scores each continuation of one context, which loses its front
// where the longest continuation would not fit behind it (as in
// lm-evaluation-harness, whose models cut on the left).
func (s *Scorer) Continuations(tok *tokenizer.Tokenizer, context string, continuations []string) ([]Continuation, error) {
	seqs, from := make([][]int, len(continuations)), make([]int, len(continuations))
	for i, c := range continuations {
		seqs[i], from[i] = EncodePair(tok, context, c)
		if from[i] >= len(seqs[i]) {
			return nil, fmt.Errorf("continuation %d: %q adds no token to its context", i, c)
		}
	}
	over := 0
	for _, q := range seqs {
		over = max(over, len(q)-s.m.ContextLength())
	}
	for i, q := range seqs { // all by as much, so that they follow the same text
		var ok bool
		if seqs[i], from[i], ok = CutFront(tok, q, from[i], len(q)-over); !ok {
			return nil, fmt.Errorf("continuation %d takes %d tokens, the model's context is %d: shorten it", i, len(q)-from[i], s.m.ContextLength())
		}
	}
	lps, err := s.Tails(seqs, from)
	if err != nil {
		return nil, err
	}
	out := make([]Continuation, len(lps))
	for i, lp := range lps {
		out[i].LogProbs = lp
		for _, v := range lp {
			out[i].LogLikelihood += v
		}
	}
	return out, nil
}
