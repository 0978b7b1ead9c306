package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

// Request says what to render. Its JSON form is an object with the keys below;
// every other key is a variable for the template (enable_thinking and the
// like), and comes before a special token of that name.
type Request struct {
	Messages  json.RawMessage // "messages": a list of objects, in order and with the order of their keys
	Tools     json.RawMessage // "tools": a list of objects; nil or null is none
	Documents json.RawMessage // "documents": a list of objects; nil or null is none

	AddGenerationPrompt  bool   // "add_generation_prompt": begin the assistant's next turn
	ContinueFinalMessage string // "continue_final_message": end within this field of the last message; in JSON true is "content"; "" is no
	Template             string // "chat_template": see Templates.Choose

	Extra map[string]json.RawMessage

	Limits jinja.Limits     // the zero value has jinja's defaults
	Now    func() time.Time // for strftime_now; nil is time.Now
}

// UnmarshalJSON reads the object described at Request.
func (q *Request) UnmarshalJSON(raw []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	*q = Request{Messages: m["messages"], Tools: m["tools"], Documents: m["documents"], Limits: q.Limits, Now: q.Now}
	if c := m["continue_final_message"]; len(c) > 0 {
		var yes bool
		if json.Unmarshal(c, &yes) == nil && yes {
			q.ContinueFinalMessage = "content"
		} else if err := json.Unmarshal(c, &q.ContinueFinalMessage); err != nil && !bytes.Equal(c, []byte("false")) {
			return fmt.Errorf("continue_final_message: neither true, false nor the name of a field")
		}
	}
	for key, to := range map[string]any{"add_generation_prompt": &q.AddGenerationPrompt, "chat_template": &q.Template} {
		if v := m[key]; len(v) > 0 {
			if err := json.Unmarshal(v, to); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		switch key {
		case "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template":
		default:
			if q.Extra == nil {
				q.Extra = map[string]json.RawMessage{}
			}
			q.Extra[key] = m[key]
		}
	}
	return nil
}

// objects reads a list of objects; nil for null or nothing.
func objects(field string, raw json.RawMessage) (*jinja.List, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	v, err := jinja.FromJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	if v == nil {
		return nil, nil
	}
	list, ok := v.(*jinja.List)
	if !ok {
		return nil, fmt.Errorf("%s: not a list", field)
	}
	for i, item := range list.Items {
		if _, ok := item.(*jinja.Dict); !ok {
			return nil, fmt.Errorf("%s[%d]: not an object", field, i)
		}
	}
	return list, nil
}

// conversation reads the messages as transformers prepares them: fields that
// are null are left out, and reasoning is given under the names that templates
// read.
func conversation(raw json.RawMessage) (*jinja.List, error) {
	list, err := objects("messages", raw)
	if err != nil {
		return nil, err
	}
	if list == nil || len(list.Items) == 0 {
		return nil, errors.New("messages: none; a conversation needs one at least")
	}
	for i, item := range list.Items {
		list.Items[i] = withReasoning(withoutNull(item.(*jinja.Dict)))
	}
	return list, nil
}

func withoutNull(m *jinja.Dict) *jinja.Dict {
	out := &jinja.Dict{}
	for k, v := range m.All {
		if v != nil {
			out.Set(k.(string), v)
		}
	}
	return out
}

// reasoningFields are the names that a message's reasoning may have.
var reasoningFields = []string{"reasoning_content", "thinking", "reasoning"}

func withReasoning(m *jinja.Dict) *jinja.Dict {
	for _, f := range reasoningFields {
		reasoning, ok := m.Get(f)
		if !ok {
			continue
		}
		out := &jinja.Dict{}
		out.Set("thinking", reasoning)
		for k, v := range m.All {
			out.Set(k.(string), v)
		}
		out.Set("reasoning_content", reasoning)
		return out
	}
	return m
}
