package embed

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

// Input is a text, or token ids with the special ones.
type Input struct {
	IDs   []int
	Text  *string // nil: IDs count
	Where string  // for errors; "": the line's number
}

// at names input i, from 0, in an error.
func (in Input) at(i int) string {
	if in.Where != "" {
		return in.Where
	}
	return fmt.Sprintf("line %d", i+1)
}

// sequence is an input as tokens.
type sequence struct {
	ids   []int
	types []int // token types; nil: all 0
	skip  int   // tokens that are not pooled
}

// texts turns inputs into tokens.
type texts struct {
	tok    *tokenizer.Tokenizer // loaded when the first text comes
	recipe recipe
	prompt string
	skip   int // tokens of the prompt, where they are not pooled
	limit  int // tokens at which a text is cut; 0: nowhere
}

func (t *texts) sequence(in Input) (sequence, error) {
	if in.Text == nil {
		return sequence{ids: in.IDs}, nil
	}
	if t.tok == nil {
		if err := t.load(); err != nil {
			return sequence{}, err
		}
	}
	s, err := t.encode(t.prompt + *in.Text)
	if err != nil {
		return s, err
	}
	if len(s.ids) == 0 {
		return s, errors.New("the text is empty, and the tokenizer adds no special token to it: there is nothing to embed")
	}
	if s.skip = t.skip; s.skip >= len(s.ids) {
		return s, fmt.Errorf("the prompt, which is not pooled, has %d tokens and leaves nothing of the %d at which texts are cut", t.skip, len(s.ids))
	}
	return s, nil
}

func (t *texts) load() (err error) {
	read := tokenizer.Load
	if t.recipe.lowerCase {
		read = tokenizer.LoadLowerCased
	}
	if t.tok, err = read(t.recipe.dir); err != nil || t.prompt == "" || !t.recipe.skipPrompt {
		return err
	}
	p, err := t.encode(t.prompt)
	if t.skip = len(p.ids); t.skip > 0 && t.tok.Special(p.ids[t.skip-1]) {
		t.skip-- // it ends a text, not the prompt
	}
	return err
}

// encode cuts as the tokenizers library truncates: the text's own tokens go from
// the end, special ones stay.
func (t *texts) encode(text string) (sequence, error) {
	e := t.tok.EncodeTyped(text, true)
	if n := len(e.IDs); t.limit > 0 && n > t.limit {
		own := t.tok.Encode(text, false)
		keep, at := t.limit-(n-len(own)), 0
		for at < n-len(own) && !slices.Equal(e.IDs[at:at+len(own)], own) {
			at++
		}
		if keep < 0 {
			return sequence{}, fmt.Errorf("texts are cut at %d tokens, but the tokenizer adds %d special ones", t.limit, n-len(own))
		}
		e.IDs = slices.Delete(e.IDs, at+keep, at+len(own))
		e.Types = slices.Delete(e.Types, at+keep, at+len(own))
	}
	return sequence{ids: e.IDs, types: e.Types}, nil
}
