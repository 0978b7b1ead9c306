package lab

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/embed"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
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

// EmbedOptions of Models.Embed.
type EmbedOptions = embed.Options

// Embed embeds each line with a model, an encoder or a decoder (embed.Embed).
func (m Models) Embed(ctx context.Context, name string, in []Line, o EmbedOptions) ([]embed.Embedding, error) {
	dir, err := m.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	inputs := make([]embed.Input, len(in))
	for i, l := range in {
		inputs[i] = embed.Input(l)
	}
	return embed.Embed(ctx, dir, inputs, o)
}
