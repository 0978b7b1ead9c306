package chat

import (
	"strings"
	"testing"
)

var template = Template{
	System:    Turn{Before: "<s>", After: "\n\n"},
	User:      Turn{Before: "User's turn:\\ ", After: "\n"},
	Assistant: Turn{Before: "Assistant:", After: "</s>"},
}

func TestRender(t *testing.T) {
	got, err := template.Render([]Message{{System, "Be brief."}, {User, "Hi {{ x }}"}, {Assistant, " Hello"}, {User, "Bye"}}, true)
	want := "<s>Be brief.\n\nUser's turn:\\ Hi {{ x }}\nAssistant: Hello</s>User's turn:\\ Bye\nAssistant:"
	if err != nil || got != want {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
	if _, err := template.Render([]Message{{User, "a"}, {"tool", "b"}}, false); err == nil || !strings.Contains(err.Error(), `messages[1].role: "tool"`) {
		t.Errorf("an unknown role: %v", err)
	}
}

// The expected text was checked against transformers 5.23, whose
// apply_chat_template renders TestRender's conversation alike.
func TestJinja(t *testing.T) {
	want := `{% for message in messages %}{% if message['role'] == 'system' %}{{ '<s>' + message['content'] + '\n\n' }}` +
		`{% elif message['role'] == 'user' %}{{ 'User\'s turn:\\ ' + message['content'] + '\n' }}` +
		`{% elif message['role'] == 'assistant' %}{{ 'Assistant:' + message['content'] + '</s>' }}` +
		`{% else %}{{ raise_exception('unknown role ' + message['role']) }}{% endif %}{% endfor %}` +
		`{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}`
	if got := template.Jinja(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestASavedTemplateIsFound(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"chat_template.jinja": "D", "additional_chat_templates/tool_use.jinja": "T"})
	if err := template.Save(dir); err != nil {
		t.Fatal(err)
	}
	if hash, err := DefaultHash(dir); err != nil || hash != template.Hash() {
		t.Errorf("hash %s, want %s: %v", hash, template.Hash(), err)
	}
	set, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if name, _, err := set.Choose("", true); name != Default {
		t.Errorf("with tools the template is %q, %v", name, err)
	}
}
