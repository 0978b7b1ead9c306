package lab

import (
	"context"
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// ToTokenize is one text to be tokenised.
type ToTokenize struct {
	Text    string `json:"text"`
	Special *bool  `json:"add_special_tokens"` // nil: true
}

// Tokenized is a text as tokens.
type Tokenized struct {
	IDs     []int    `json:"ids"`
	Tokens  []string `json:"tokens"`
	Decoded string   `json:"decoded"` // special tokens included
}

// Tokenize turns texts into tokens and back with a model's tokenizer.
func (m Models) Tokenize(ctx context.Context, name string, in []ToTokenize) ([]Tokenized, error) {
	dir, err := m.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return nil, err
	}
	out := make([]Tokenized, len(in))
	for i, l := range in {
		ids := tok.Encode(l.Text, l.Special == nil || *l.Special)
		out[i] = Tokenized{append([]int{}, ids...), append([]string{}, tok.Tokens(ids)...), tok.Decode(ids, false)}
	}
	return out, nil
}

// ChatRequest is a conversation to be rendered.
type ChatRequest = chat.Request

// RenderChats renders conversations with a model's chat template.
func (m Models) RenderChats(ctx context.Context, name string, in []ChatRequest) ([]chat.Rendering, error) {
	dir, err := m.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	t, err := chat.Load(dir)
	if err != nil {
		return nil, err
	}
	out := make([]chat.Rendering, len(in))
	for i, q := range in {
		if out[i], err = t.Render(q); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return out, nil
}

// Embed gives the hidden states, or one vector, of each line with a model: an
// encoder or a decoder. pooling is encoder.None, CLS or Mean, or "" for the
// recipe of a sentence-transformers folder; such a vector is normalised where
// the recipe says so.
func (m Models) Embed(ctx context.Context, name, pooling string, in []Line, threads int) ([]encoder.Embedding, error) {
	dir, err := m.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	sentence, found, err := encoder.ReadSentence(dir)
	if err != nil {
		return nil, err
	}
	own := dir // of the encoder and its tokenizer, which may be a folder in it
	if found {
		own = sentence.Dir
	}
	if pooling != "" { // the folder's recipe is not asked for
		dir, sentence = own, encoder.Sentence{}
	}
	ids, types, err := encodeLines(own, sentence, in)
	if err != nil {
		return nil, err
	}
	is, err := encoder.In(own)
	if err != nil {
		return nil, err
	}
	if is || pooling == "" {
		return encoder.Embed(ctx, dir, ids, encoder.EmbedOptions{Threads: threads, Pooling: pooling, Types: types})
	}
	e, err := compute.Open("cpu", threads)
	if err != nil {
		return nil, err
	}
	defer compute.Close(e)
	lm, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		return nil, err
	}
	defer lm.Free()
	out := make([]encoder.Embedding, len(ids))
	for i := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out[i], err = decoderStates(lm, ids[i], pooling); err != nil {
			return nil, fmt.Errorf("%s: %w", in[i].at(i), err)
		}
	}
	return out, nil
}

// encodeLines gives each line's ids, and their types where a text was encoded: by
// the recipe of a sentence-transformers folder, which cuts texts and may lower
// their case.
func encodeLines(dir string, recipe encoder.Sentence, in []Line) (ids, types [][]int, err error) {
	var tok *tokenizer.Tokenizer
	for _, l := range in {
		if l.Text == nil {
			ids = append(ids, l.IDs)
			continue
		}
		if tok == nil {
			if tok, err = tokenizer.Load(dir); err != nil {
				return nil, nil, err
			}
		}
		text := *l.Text
		if recipe.LowerCase {
			text = strings.ToLower(text)
		}
		e := tok.EncodeTyped(text, true)
		if n := recipe.MaxLength; n > 0 && len(e.IDs) > n {
			e.IDs, e.Types = encoder.Cut(e.IDs, n), encoder.Cut(e.Types, n)
		}
		ids, types = append(ids, e.IDs), append(types, e.Types)
	}
	return ids, types, nil
}

func decoderStates(m *model.Model, ids []int, pooling string) (out encoder.Embedding, err error) {
	t := autograd.NewTape(m.Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() {
		x := m.Hidden(t, model.Pack(ids))
		if pooling == encoder.None {
			rows, c := x.Value(), m.Config().HiddenSize
			for lo := 0; lo < len(rows); lo += c {
				out.Hidden = append(out.Hidden, rows[lo:lo+c:lo+c])
			}
			return
		}
		out.Vector = encoder.Pool(t, x, []int{len(ids)}, pooling).Value()
	})
	return out, err
}
