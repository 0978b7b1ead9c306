package chat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

// An ending cuts a rendering where the last message ends, so that the model
// goes on with it: the message is marked, rendered, and the text cut at the
// mark (transformers' continue_final_message, which has the same mark).
type ending struct {
	field string
	final string // what the message says
}

const endMark = "CONTINUE_FINAL_MESSAGE_TAG "

// mark puts the mark behind the last message's field.
func (e *ending) mark(messages *jinja.List, source string) error {
	last := messages.Items[len(messages.Items)-1].(*jinja.Dict)
	value, ok := last.Get(e.field)
	if !ok {
		return fmt.Errorf("continue_final_message: the last message has no %s to go on with", e.field)
	}
	fields := []string{e.field}
	if slices.Contains(reasoningFields, e.field) {
		fields = nil
		for _, f := range reasoningFields {
			if v, ok := last.Get(f); ok && v == value {
				fields = append(fields, f)
			}
		}
	}
	if !slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(source, f) }) {
		return fmt.Errorf("continue_final_message: the chat template doesn't use %s", e.field)
	}
	switch value := value.(type) {
	case string:
		e.final = value
		for _, f := range fields {
			last.Set(f, value+endMark)
		}
		return nil
	case *jinja.List:
		for _, block := range slices.Backward(value.Items) {
			b, ok := block.(*jinja.Dict)
			if !ok {
				continue
			}
			v, ok := b.Get("text")
			if !ok {
				continue
			}
			text, ok := v.(string)
			if !ok {
				break
			}
			e.final = text
			b.Set("text", text+endMark)
			return nil
		}
	}
	return fmt.Errorf("continue_final_message: %s of the last message has no text to go on with", e.field)
}

// cut gives the text up to the mark. Where the template trimmed the message,
// the space before the mark goes too.
func (e *ending) cut(text string) (string, error) {
	mark := strings.TrimSpace(endMark)
	at := strings.LastIndex(text, mark)
	if at < 0 || !strings.Contains(text, strings.TrimFunc(e.final, space)) {
		return "", fmt.Errorf("continue_final_message: the last message does not appear in the rendering: the template leaves out or changes it")
	}
	if strings.HasPrefix(text[at:], endMark) {
		return text[:at], nil
	}
	return strings.TrimRightFunc(text[:at], space), nil
}

// space is Python's idea of white space.
func space(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
