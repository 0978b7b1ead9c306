package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheRenderingNamesItsTemplate(t *testing.T) {
	set, err := Load(write(t, t.TempDir(), map[string]string{
		"chat_template.jinja":                      "D",
		"additional_chat_templates/tool_use.jinja": "T",
		"additional_chat_templates/rag.jinja":      "R",
		"additional_chat_templates/README.md":      "no template",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ request, text, name string }{
		{`{"messages": [{"role": "user"}]}`, "D", "default"},
		{`{"messages": [{"role": "user"}], "tools": []}`, "T", "tool_use"},
		{`{"messages": [{"role": "user"}], "tools": null}`, "D", "default"},
		{`{"messages": [{"role": "user"}], "tools": [], "chat_template": "rag"}`, "R", "rag"},
		{`{"messages": [{"role": "user"}], "chat_template": "own {{ x }}", "x": 1.0}`, "own 1.0", ""},
	} {
		var q Request
		if err := json.Unmarshal([]byte(c.request), &q); err != nil {
			t.Fatal(err)
		}
		got, err := set.Render(q)
		source := c.text
		if c.name == "" {
			source = q.Template
		}
		sum := sha256.Sum256([]byte(source))
		if err != nil || got != (Rendering{c.text, c.name, hex.EncodeToString(sum[:])}) {
			t.Errorf("%s: %+v (%v)", c.request, got, err)
		}
	}
}

func TestBadRequests(t *testing.T) {
	set, err := Load(write(t, t.TempDir(), map[string]string{"chat_template.jinja": "{{ messages[0].content }}{{ broken.x }}"}))
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		`{}`:                                 "messages: none",
		`{"messages": {}}`:                   "messages: not a list",
		`{"messages": ["a"]}`:                "messages[0]: not an object",
		`{"messages": [{}], "tools": [1]}`:   "tools[0]: not an object",
		`{"messages": [{}], "documents": 3}`: "documents: not a list",
		`{"messages": [{"role": "user"}]}`:   "chat template default: line 1: UndefinedError: 'broken' is undefined",
		`{"messages": [{"content": {"a": 1}}], "continue_final_message": true}`: "content of the last message has no text",
		`{"messages": [{"content": ["x"]}], "continue_final_message": true}`:    "content of the last message has no text",
		`{"messages": [{"content": "a"}], "continue_final_message": "summary"}`: "the last message has no summary",
		`{"messages": [{"summary": "a"}], "continue_final_message": "summary"}`: "the chat template doesn't use summary",
	} {
		var q Request
		if err := json.Unmarshal([]byte(request), &q); err != nil {
			t.Fatal(err)
		}
		if _, err := set.Render(q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", request, err, want)
		}
	}
	for _, request := range []string{`{"continue_final_message": 3}`, `{"add_generation_prompt": "yes"}`, `{"chat_template": 1}`, `[]`} {
		var q Request
		if err := json.Unmarshal([]byte(request), &q); err == nil {
			t.Errorf("%s was taken", request)
		}
	}
	var q Request
	if err := json.Unmarshal([]byte(`{"messages": [{"content": "a"}], "broken": {"x": 1}, "continue_final_message": false}`), &q); err != nil {
		t.Fatal(err)
	}
	q.Limits = jinja.Limits{Output: 1}
	var e *jinja.Error
	if _, err := set.Render(q); !errors.As(err, &e) || e.Kind != jinja.Limit {
		t.Errorf("the request's limits: %v", err)
	}
}

func TestBadFolders(t *testing.T) {
	for want, files := range map[string]map[string]string{
		ErrNone.Error():                      {"tokenizer_config.json": `{"chat_template": null}`},
		"found an array, expected an object": {"tokenizer_config.json": `[]`},
		"chat_template: neither":             {"tokenizer_config.json": `{"chat_template": 3}`},
		"chat_template: [0]: needs":          {"tokenizer_config.json": `{"chat_template": [{"name": "default"}]}`},
		"extra_special_tokens.x_token":       {"tokenizer_config.json": `{"chat_template": "a", "extra_special_tokens": {"x_token": 3}}`},
		"a template has":                     {"chat_template.jinja": strings.Repeat("x", jinja.Longest+1)},
	} {
		if _, err := Load(write(t, t.TempDir(), files)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What a Template of a few strings renders, its Jinja form renders too.
func TestTemplateAndItsJinjaFormAgree(t *testing.T) {
	dir := t.TempDir()
	if err := template.Save(dir); err != nil {
		t.Fatal(err)
	}
	set, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	messages := []Message{{System, "Be brief."}, {User, "Hi {{ x }}\n"}, {Assistant, " Hello"}, {User, "Bye"}}
	raw, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []bool{false, true} {
		want, err := template.Render(messages, open)
		if err != nil {
			t.Fatal(err)
		}
		got, err := set.Render(Request{Messages: raw, AddGenerationPrompt: open})
		if err != nil || got.Text != want || got.SHA256 != template.Hash() {
			t.Errorf("got %+v (%v), want %q", got, err, want)
		}
	}
	if _, err := set.Render(Request{Messages: json.RawMessage(`[{"role": "tool", "content": "x"}]`)}); err == nil || !strings.Contains(err.Error(), "unknown role tool") {
		t.Errorf("an unknown role: %v", err)
	}
}
