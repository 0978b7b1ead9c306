package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// pair is an encoded preference pair: prompt, response, end token.
type pair struct{ chosen, rejected []int }

// pairs is an encoded split.
type pairs struct {
	list         []pair
	cut, dropped int
}

// encodePairs drops a pair of which a response alone does not fit.
func encodePairs(tok *tokenizer.Tokenizer, task spec.Task, ex []spec.Example, maxLen int) pairs {
	var out pairs
	for _, e := range ex {
		c, cutC, okC := encodeResponse(tok, task, e.Prompt, e.Chosen, maxLen)
		r, cutR, okR := encodeResponse(tok, task, e.Prompt, e.Rejected, maxLen)
		switch {
		case !okC || !okR:
			out.dropped++
			continue
		case cutC || cutR:
			out.cut++
		}
		out.list = append(out.list, pair{c, r})
	}
	return out
}

// encodeResponse encodes a text as the reward model reads it: as the harness
// encodes completions, cut at the front of the prompt.
func encodeResponse(tok *tokenizer.Tokenizer, task spec.Task, prompt, response string, maxLen int) (ids []int, cut, ok bool) {
	ids, n := generate.EncodePair(tok, prompt, task.Delimiter+response)
	ids = append(ids, tok.EOS())
	cut = len(ids) > maxLen
	ids, _, ok = generate.CutFront(tok, ids, n, maxLen)
	return ids, cut, ok
}

// report logs what was cut and dropped.
func (p pairs) report(out *sdk.Output, split string, maxLen int) {
	if p.cut+p.dropped > 0 {
		out.Log("warning", fmt.Sprintf("of %d %s pairs %d were cut to %d tokens and %d dropped as too long", len(p.list)+p.dropped, split, p.cut, maxLen, p.dropped))
	}
}

// sides are the two responses of some pairs.
func sides(list []pair) (chosen, rejected [][]int) {
	for _, p := range list {
		chosen, rejected = append(chosen, p.chosen), append(rejected, p.rejected)
	}
	return chosen, rejected
}
