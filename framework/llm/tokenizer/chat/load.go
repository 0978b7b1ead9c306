package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat/jinja"
)

// Names of templates that transformers knows.
const (
	Default = "default"
	ToolUse = "tool_use"
)

// ErrNone is the error of a folder that has no chat template.
var ErrNone = errors.New("the folder has no chat template: no " + File + ", no " + checkpoint.TemplateFolder + " and no chat_template in tokenizer_config.json")

// Templates are the chat templates of a model folder, and the special tokens
// that a template may name (bos_token, eos_token and so on).
type Templates struct {
	single bool // one template without a name
	names  []string
	texts  map[string]string
	tokens map[string]any
}

// Load reads the templates of a folder as transformers does: chat_template.jinja
// and the files of additional_chat_templates come before chat_template in
// tokenizer_config.json, which is a text or a list of {"name", "template"}. The
// error wraps ErrNone if there is none.
//
// Special tokens come from tokenizer_config.json; where that has no
// added_tokens_decoder, special_tokens_map.json comes before it. Tokens that
// transformers knows from the class of a tokenizer alone are not set.
func Load(dir string) (*Templates, error) {
	t := &Templates{texts: map[string]string{}}
	config, err := readObject(filepath.Join(dir, "tokenizer_config.json"))
	if err != nil {
		return nil, err
	}
	if err := t.readFiles(dir); err != nil {
		return nil, err
	}
	if len(t.names) == 0 {
		if err := t.readConfig(config["chat_template"]); err != nil {
			return nil, fmt.Errorf("%s: chat_template: %w", filepath.Join(dir, "tokenizer_config.json"), err)
		}
	}
	if len(t.names) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	t.tokens, err = readTokens(dir, config)
	return t, err
}

func readObject(path string) (map[string]json.RawMessage, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := checkpoint.ParseJSON(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func (t *Templates) add(name, text string) {
	if _, ok := t.texts[name]; !ok {
		t.names = append(t.names, name)
	}
	t.texts[name] = text
}

func (t *Templates) readFiles(dir string) error {
	raw, err := readTemplate(filepath.Join(dir, File))
	if err == nil {
		t.add(Default, raw)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := os.ReadDir(filepath.Join(dir, checkpoint.TemplateFolder)) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".jinja")
		if !ok {
			continue
		}
		raw, err := readTemplate(filepath.Join(dir, checkpoint.TemplateFolder, f.Name()))
		if err != nil {
			return err
		}
		t.add(name, raw)
	}
	t.single = len(t.names) == 1 && t.names[0] == Default
	return nil
}

func readTemplate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > jinja.Longest {
		return "", fmt.Errorf("%s: has %d bytes; a template has %d at most", path, info.Size(), jinja.Longest)
	}
	raw, err := os.ReadFile(path)
	return string(raw), err
}

func (t *Templates) readConfig(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		t.add(Default, text)
		t.single = true
		return nil
	}
	var list []struct{ Name, Template *string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("neither a text nor a list of names and templates: %w", err)
	}
	for i, e := range list {
		if e.Name == nil || e.Template == nil {
			return fmt.Errorf("[%d]: needs a name and a template", i)
		}
		t.add(*e.Name, *e.Template)
	}
	return nil
}

// standardTokens are the roles that transformers gives every tokenizer; other
// keys count as tokens if their names end in _token.
var standardTokens = map[string]bool{
	"bos_token": true, "eos_token": true, "unk_token": true, "sep_token": true,
	"pad_token": true, "cls_token": true, "mask_token": true,
}

func readTokens(dir string, config map[string]json.RawMessage) (map[string]any, error) {
	tokens := map[string]any{}
	read := func(file string, m map[string]json.RawMessage) error {
		for key, raw := range m {
			if standardTokens[key] && string(raw) == "null" {
				delete(tokens, key)
				continue
			}
			content, ok, err := tokenText(raw)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", filepath.Join(dir, file), key, err)
			}
			if ok && (standardTokens[key] || strings.HasSuffix(key, "_token")) {
				tokens[key] = content
			}
		}
		var extra map[string]json.RawMessage // a list there names no roles
		if json.Unmarshal(m["extra_special_tokens"], &extra) == nil {
			for key, raw := range extra {
				content, ok, err := tokenText(raw)
				if err != nil || !ok {
					return fmt.Errorf("%s: extra_special_tokens.%s: not a token", filepath.Join(dir, file), key)
				}
				tokens[key] = content
			}
		}
		return nil
	}
	if err := read("tokenizer_config.json", config); err != nil {
		return nil, err
	}
	if _, ok := config["added_tokens_decoder"]; ok {
		return tokens, nil
	}
	special, err := readObject(filepath.Join(dir, "special_tokens_map.json"))
	if err != nil {
		return nil, err
	}
	return tokens, read("special_tokens_map.json", special)
}

// tokenText reads a token: a text, or an object with its content.
func tokenText(raw json.RawMessage) (string, bool, error) {
	var text string
	if len(raw) > 0 && raw[0] == '"' {
		err := json.Unmarshal(raw, &text)
		return text, true, err
	}
	var token struct {
		Content *string `json:"content"`
	}
	if len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &token) == nil && token.Content != nil {
		return *token.Content, true, nil
	}
	return "", false, nil
}

// Choose gives the template that transformers takes: the one so named, else
// name itself as the text of one; for "", "tool_use" if there are tools and
// the folder has one, else "default". The name is "" for a text of the
// caller's.
func (t *Templates) Choose(name string, tools bool) (chosen, text string, err error) {
	if name != "" {
		if text, ok := t.texts[name]; ok && !t.single {
			return name, text, nil
		}
		return "", name, nil
	}
	if text, ok := t.texts[ToolUse]; ok && tools && !t.single {
		return ToolUse, text, nil
	}
	if text, ok := t.texts[Default]; ok {
		return Default, text, nil
	}
	return "", "", fmt.Errorf("none of the chat templates is called %s: name one of %s", Default, strings.Join(t.names, ", "))
}

// DefaultHash is the SHA-256 of the template that a folder renders plain
// conversations with, as Rendering has it; "" where there is none.
func DefaultHash(dir string) (string, error) {
	t, err := Load(dir)
	if errors.Is(err, ErrNone) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	text, ok := t.texts[Default]
	if !ok {
		return "", nil
	}
	return hashOf(text), nil
}
