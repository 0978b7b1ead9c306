package chat

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// File is where transformers 4.51 and later look for a chat template.
const File = "chat_template.jinja"

// Roles of a message.
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Turn is the text around the content of a message of one role.
type Turn struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Template says how each role's messages are written. Special tokens may stand
// in it by their text; encode the result without adding further ones.
type Template struct {
	System    Turn `json:"system"`
	User      Turn `json:"user"`
	Assistant Turn `json:"assistant"`
}

// Render writes the messages one after the other; with open, the beginning of
// the assistant's next turn follows (transformers' add_generation_prompt).
func (t Template) Render(messages []Message, open bool) (string, error) {
	var b strings.Builder
	for i, m := range messages {
		turn, err := t.turn(m.Role)
		if err != nil {
			return "", fmt.Errorf("messages[%d].role: %w", i, err)
		}
		b.WriteString(turn.Before + m.Content + turn.After)
	}
	if open {
		b.WriteString(t.Assistant.Before)
	}
	return b.String(), nil
}

func (t Template) turn(role string) (Turn, error) {
	switch role {
	case System:
		return t.System, nil
	case User:
		return t.User, nil
	case Assistant:
		return t.Assistant, nil
	}
	return Turn{}, fmt.Errorf("%q is not one of %s, %s, %s", role, System, User, Assistant)
}

// Jinja is the template for transformers' apply_chat_template; it renders what
// Render does.
func (t Template) Jinja() string {
	var b strings.Builder
	b.WriteString("{% for message in messages %}")
	word := "if"
	for _, role := range []string{System, User, Assistant} {
		turn, _ := t.turn(role)
		fmt.Fprintf(&b, "{%% %s message['role'] == '%s' %%}{{ %s + message['content'] + %s }}", word, role, quote(turn.Before), quote(turn.After))
		word = "elif"
	}
	b.WriteString("{% else %}{{ raise_exception('unknown role ' + message['role']) }}{% endif %}{% endfor %}")
	fmt.Fprintf(&b, "{%% if add_generation_prompt %%}{{ %s }}{%% endif %%}", quote(t.Assistant.Before))
	return b.String()
}

// quote writes s as a string literal of Jinja.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "'"
}

// Hash is the SHA-256 (lower-case hexadecimal) of the Jinja form, as DefaultHash
// gives it for a folder that holds it.
func (t Template) Hash() string { return hashOf(t.Jinja()) }

// Save writes the Jinja form to dir/chat_template.jinja, the only template there
// from then on: named ones, of the model it was made from, are removed.
func (t Template) Save(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, checkpoint.TemplateFolder)); err != nil {
		return err
	}
	return checkpoint.WriteAtomic(filepath.Join(dir, File), func(w io.Writer) error {
		_, err := io.WriteString(w, t.Jinja())
		return err
	})
}
