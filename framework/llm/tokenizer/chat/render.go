package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

// Rendering is a conversation's text. Special tokens stand in it by their
// text: encode it without adding further ones.
type Rendering struct {
	Text   string
	Name   string // of the template, "" for one given with the request
	SHA256 string // of the template's text, lower-case hexadecimal, for the run's record
}

// Render gives what transformers' apply_chat_template gives with
// tokenize=False. An error of the template wraps a *jinja.Error.
func (t *Templates) Render(q Request) (Rendering, error) {
	messages, err := conversation(q.Messages)
	if err != nil {
		return Rendering{}, err
	}
	tools, err := objects("tools", q.Tools)
	if err != nil {
		return Rendering{}, err
	}
	documents, err := objects("documents", q.Documents)
	if err != nil {
		return Rendering{}, err
	}
	name, source, err := t.Choose(q.Template, tools != nil)
	if err != nil {
		return Rendering{}, err
	}
	template, err := jinja.Parse(source)
	if err != nil {
		return Rendering{}, fmt.Errorf("chat template %s: %w", name, err)
	}
	vars := maps.Clone(t.tokens)
	for _, key := range slices.Sorted(maps.Keys(q.Extra)) {
		if vars[key], err = jinja.FromJSON(q.Extra[key]); err != nil {
			return Rendering{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	ending := &ending{field: q.ContinueFinalMessage}
	if ending.field != "" {
		if q.AddGenerationPrompt {
			return Rendering{}, errors.New("continue_final_message and add_generation_prompt exclude each other: the first goes on with the last message, the second begins a new one")
		}
		if err := ending.mark(messages, source); err != nil {
			return Rendering{}, err
		}
	}
	vars["messages"], vars["add_generation_prompt"] = messages, q.AddGenerationPrompt
	vars["tools"], vars["documents"] = orNone(tools), orNone(documents)
	text, err := template.Render(vars, jinja.Options{Limits: q.Limits, Now: q.Now})
	if err != nil {
		return Rendering{}, fmt.Errorf("chat template %s: %w", name, err)
	}
	if ending.field != "" {
		if text, err = ending.cut(text); err != nil {
			return Rendering{}, err
		}
	}
	return Rendering{Text: text, Name: name, SHA256: hashOf(source)}, nil
}

func hashOf(template string) string {
	sum := sha256.Sum256([]byte(template))
	return hex.EncodeToString(sum[:])
}

// orNone keeps a nil list from becoming a value that is not None.
func orNone(l *jinja.List) any {
	if l == nil {
		return nil
	}
	return l
}
