package chat

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

// fixture is testdata/renderings.json, made by testdata/make_renderings.py.
type fixture struct {
	Now      string
	Folders  map[string]map[string]json.RawMessage
	Requests map[string]json.RawMessage
	Cases    [][3]json.RawMessage
}

func loadFixture(t *testing.T) (f fixture) {
	t.Helper()
	raw, err := os.ReadFile("testdata/renderings.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func unquote(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// expand gives the template that a text of the fixture stands for.
func expand(t *testing.T, text string) string {
	t.Helper()
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "templates", name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// folder writes a model folder of the fixture.
func (f fixture) folder(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for file, content := range f.Folders[name] {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if content[0] == '"' {
			text = expand(t, unquote(t, content))
		} else {
			var config map[string]any
			if err := json.Unmarshal(content, &config); err != nil {
				t.Fatal(err)
			}
			if list, ok := config["chat_template"].([]any); ok {
				for _, e := range list {
					e := e.(map[string]any)
					e["template"] = expand(t, e["template"].(string))
				}
				out, err := json.Marshal(config)
				if err != nil {
					t.Fatal(err)
				}
				text = string(out)
			}
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRenderings(t *testing.T) {
	f := loadFixture(t)
	now, err := time.Parse("2006-01-02T15:04:05", f.Now)
	if err != nil {
		t.Fatal(err)
	}
	loaded := map[string]*Templates{}
	for name := range f.Folders {
		set, err := Load(f.folder(t, name))
		if err != nil && !errors.Is(err, ErrNone) {
			t.Fatalf("%s: %v", name, err)
		}
		loaded[name] = set
	}
	for _, c := range f.Cases {
		folder, key := unquote(t, c[0]), unquote(t, c[1])
		q := Request{Now: func() time.Time { return now }}
		if err := json.Unmarshal(f.Requests[key], &q); err != nil {
			t.Fatal(err)
		}
		set := loaded[folder]
		if set == nil {
			if folder != "none" {
				t.Errorf("%s: no template was found", folder)
			}
			continue
		}
		got, err := set.Render(q)
		var want string
		if json.Unmarshal(c[2], &want) == nil {
			if err != nil || got.Text != want {
				t.Errorf("%s, %s:\n got %q (%v)\nwant %q", folder, key, got.Text, err, want)
			}
			continue
		}
		var fault struct{ Error string }
		if err := json.Unmarshal(c[2], &fault); err != nil {
			t.Fatal(err)
		}
		kind, message, _ := strings.Cut(fault.Error, ": ")
		var e *jinja.Error
		switch {
		case err == nil:
			t.Errorf("%s, %s:\n got %q\nwant %s", folder, key, got.Text, fault.Error)
		case kind == "ValueError": // of apply_chat_template itself
			if errors.As(err, &e) {
				t.Errorf("%s, %s: got %v, want %s", folder, key, err, fault.Error)
			}
		case !errors.As(err, &e) || e.Kind != kind || (kind == jinja.Raised || kind == jinja.Undefined) && e.Message != message:
			t.Errorf("%s, %s: got %v, want %s", folder, key, err, fault.Error)
		}
	}
	if len(f.Cases) < 400 {
		t.Errorf("only %d cases", len(f.Cases))
	}
}
