package tokenizer

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// specials are the roles of special tokens; -1 where a role has none.
type specials struct {
	bos, eos, pad int
	padSource     string
}

// BOS is the id of the token that begins a text, -1 if there is none.
func (s *specials) BOS() int { return s.bos }

// EOS is the id of the token that ends a text, -1 if there is none.
func (s *specials) EOS() int { return s.eos }

// PAD is the padding id. Where no file declares one it falls back to EOS, then
// to 0; PADSource says so. Mask padding by length, never by this id.
func (s *specials) PAD() int { return s.pad }

// PADSource says where PAD comes from: a file's name, or "eos (none declared)"
// or "0 (none declared)".
func (s *specials) PADSource() string { return s.padSource }

// readSpecials takes each role from the first of the files names that declares
// it; config.json has ids.
func (t *Tokenizer) readSpecials(dir string, names []string) error {
	t.bos, t.eos, t.pad = -1, -1, -1
	roles := []struct {
		name string
		to   *int
	}{{"bos_token", &t.bos}, {"eos_token", &t.eos}, {"pad_token", &t.pad}}
	for _, name := range names {
		raw, suffix := t.files[name], ""
		if name == checkpoint.ConfigFile {
			suffix = "_id"
		}
		if raw == nil {
			continue
		}
		var m map[string]json.RawMessage
		if err := checkpoint.ParseJSON(raw, &m); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
		for _, r := range roles {
			if *r.to >= 0 {
				continue
			}
			id, err := t.role(m[r.name+suffix])
			if err != nil {
				return fmt.Errorf("%s: %s: %w", filepath.Join(dir, name), r.name+suffix, err)
			}
			*r.to = id
			if r.name == "pad_token" && id >= 0 {
				t.padSource = name
			}
		}
		if name == ConfigFile {
			if err := t.readCleanUp(m["clean_up_tokenization_spaces"]); err != nil {
				return fmt.Errorf("%s: clean_up_tokenization_spaces: %w", filepath.Join(dir, name), err)
			}
		}
	}
	switch {
	case t.pad >= 0:
	case t.eos >= 0:
		t.pad, t.padSource = t.eos, "eos (none declared)"
	default:
		t.pad, t.padSource = 0, "0 (none declared)"
	}
	return nil
}

// readCleanUp: transformers leaves the texts of BPE alone whatever it says.
func (t *Tokenizer) readCleanUp(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &t.cleanUp); err != nil {
		return err
	}
	if _, ok := t.model.(*bpe); ok {
		t.cleanUp = false
	}
	return nil
}

// role reads a token given as a string, an object with its content, an id, or
// a list of ids, of which the first counts. It is -1 for null.
func (t *Tokenizer) role(raw json.RawMessage) (int, error) {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "[]" {
		return -1, nil
	}
	var token struct {
		Content string `json:"content"`
	}
	switch raw[0] {
	case '"':
		if err := json.Unmarshal(raw, &token.Content); err != nil {
			return -1, err
		}
	case '{':
		if err := json.Unmarshal(raw, &token); err != nil {
			return -1, err
		}
	case '[':
		var ids []int
		if err := json.Unmarshal(raw, &ids); err != nil {
			return -1, err
		}
		return ids[0], nil
	default:
		id := -1
		err := json.Unmarshal(raw, &id)
		return id, err
	}
	id, ok := t.ID(token.Content)
	if !ok {
		return -1, fmt.Errorf("token %q is not in the vocabulary", token.Content)
	}
	return id, nil
}
