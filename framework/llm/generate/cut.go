package generate

import "github.com/tunelab/tunelab/framework/llm/tokenizer"

// CutFront makes a prompt of n tokens and what follows it fit limit tokens: it
// drops the front of the prompt, as lm-evaluation-harness does, but not a leading
// start token. It returns the tokens and how many of them are prompt; ok is
// false, and ids as they were, when not even one would stay, the start token
// included: what follows is predicted from something. Training and judging cut
// here alike.
func CutFront(tok *tokenizer.Tokenizer, ids []int, n, limit int) (out []int, prompt int, ok bool) {
	over := len(ids) - limit
	if over <= 0 {
		return ids, n, true
	}
	if n-over < 1 {
		return ids, n, false
	}
	start := 0
	if ids[0] == tok.BOS() {
		start = 1
	}
	return append(ids[:start:start], ids[start+over:]...), n - over, true
}
