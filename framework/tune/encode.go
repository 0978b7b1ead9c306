package tune

import (
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// sequence is one encoded training example.
type sequence struct {
	ids     []int32
	types   []int32 // an encoder: the token type of each
	targets []int32 // per position: the next token if it is supervised, else -1
	label   int32   // classify: the label
}

// encoded is a split, encoded once.
type encoded struct {
	seqs       []sequence
	supervised int // tokens (completion) or labels (classify) that carry loss
	cut        int // examples cut to the maximum length
	dropped    int // examples whose completion did not fit at all
	blank      int // examples dropped for an answer of nothing but white space
	ends       int // completion: examples whose end token carries loss
}

// encodeClassify encodes bare inputs, cut to maxLen tokens.
func encodeClassify(h labeller, ex []spec.Example, labels, maxLen int) (*encoded, error) {
	out := &encoded{}
	for _, e := range ex {
		if e.Label < 0 || e.Label >= labels {
			return nil, fmt.Errorf("example %s: label %d is outside 0..%d; check the task's labels", e.ID, e.Label, labels-1)
		}
		s, cut := h.encode(e.Input, maxLen)
		if cut {
			out.cut++
		}
		if len(s.ids) == 0 {
			return nil, fmt.Errorf("example %s: its input encodes to no tokens", e.ID)
		}
		s.label = int32(e.Label)
		out.seqs = append(out.seqs, s)
		out.supervised++
	}
	return out, nil
}

// encodeCompletion encodes prompt and answer; the answer's tokens and the end
// token after them are supervised, nothing else. A pair that is too long loses
// the front of its prompt; one whose answer alone does not fit is dropped, and so
// is one without an answer, which would teach no more than to stop.
func encodeCompletion(tok *tokenizer.Tokenizer, task spec.Task, ex []spec.Example, maxLen int) (*encoded, error) {
	if tok.EOS() < 0 {
		return nil, sdk.Fail("model", "its tokenizer declares no end token (eos_token), so a completion could not learn to end", "declare eos_token in tokenizer_config.json, or train with the classify objective")
	}
	out := &encoded{}
	for _, e := range ex {
		if strings.TrimSpace(e.Target()) == "" {
			out.blank++
			continue
		}
		ids, n := generate.EncodePair(tok, e.Prompt, task.Delimiter+e.Target())
		ids = append(ids, tok.EOS())
		if len(ids) > maxLen {
			var ok bool
			if ids, n, ok = generate.CutFront(tok, ids, n, maxLen); !ok {
				out.dropped++
				continue
			}
			out.cut++
		}
		s := sequence{ids: to32(ids), targets: make([]int32, len(ids))}
		for i := range s.targets {
			s.targets[i] = -1
			if i+1 >= n && i+1 < len(ids) {
				s.targets[i] = s.ids[i+1]
				out.supervised++
			}
		}
		if s.targets[len(ids)-2] == int32(tok.EOS()) {
			out.ends++
		}
		out.seqs = append(out.seqs, s)
	}
	return out, nil
}

func to32(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, v := range ids {
		out[i] = int32(v)
	}
	return out
}
