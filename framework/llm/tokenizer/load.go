package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Names of the files of a tokenizer folder.
const (
	File       = "tokenizer.json"
	ConfigFile = "tokenizer_config.json"
)

// Load reads the tokenizer of a model folder: tokenizer.json, and beside it
// tokenizer_config.json, special_tokens_map.json and config.json as far as they
// exist; chat templates are kept for Save (package chat reads them). The blocks
// "truncation" and "padding" of tokenizer.json are not used: transformers too
// switches them off for a call that does not ask for them.
func Load(dir string) (*Tokenizer, error) {
	files, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	return build(files, dir)
}

// files are the texts that a tokenizer came from by name, kept so that Save
// writes them back unchanged.
type files map[string][]byte

func readFiles(dir string) (files, error) {
	names, err := checkpoint.Companions(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !slices.Contains(names, File) {
		return nil, fmt.Errorf("%s is missing; give a Hugging Face folder with a %s: %w", filepath.Join(dir, File), File, fs.ErrNotExist)
	}
	out := files{}
	for _, name := range append(names, checkpoint.ConfigFile) {
		out[name], err = os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return out, nil
}

func build(from files, dir string) (*Tokenizer, error) {
	t := &Tokenizer{added: map[string]int{}, special: map[int]bool{}, skipped: map[int]bool{}, files: from}
	more, err := readFurther(from, dir)
	if err != nil {
		return nil, err
	}
	if err := t.parse(from[File], more); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, File), err)
	}
	if err := t.readSpecials(dir, more.files); err != nil {
		return nil, err
	}
	return t, nil
}

type tokenizerJSON struct {
	Version    *string         `json:"version"`
	Added      []addedToken    `json:"added_tokens"`
	Normalizer json.RawMessage `json:"normalizer"`
	Pre        json.RawMessage `json:"pre_tokenizer"`
	Post       json.RawMessage `json:"post_processor"`
	Decoder    json.RawMessage `json:"decoder"`
	Model      json.RawMessage `json:"model"`
}

func (t *Tokenizer) parse(raw []byte, more further) error {
	var j tokenizerJSON
	if err := checkpoint.ParseJSON(raw, &j); err != nil {
		return err
	}
	if j.Version != nil && *j.Version != "1.0" {
		return fmt.Errorf("version: %q is not supported; only 1.0 is", *j.Version)
	}
	var err error
	if t.model, err = newModel(j.Model); err != nil {
		return err
	}
	if err := t.readNames(len(j.Added)); err != nil {
		return err
	}
	if err := t.checkAdded(j.Added); err != nil {
		return err
	}
	if err := t.readComponents(j); err != nil {
		return err
	}
	added := more.join(j.Added, t.model.tokens())
	if !slices.Equal(added, j.Added) {
		t.grown = added
	}
	t.readAdded(added)
	for _, p := range append(slices.Clone(t.frame.single), t.frame.pair...) {
		for _, id := range p.ids {
			if t.Token(id) == "" {
				return fmt.Errorf("post_processor: adds id %d, which is not in the vocabulary", id)
			}
		}
	}
	return nil
}

// readComponents fills the stages that a file may leave out.
func (t *Tokenizer) readComponents(j tokenizerJSON) error {
	t.normalize.apply = func(s string) string { return s }
	t.words = func(piece string, first bool, emit emit) { emit(piece, first) }
	t.frame = plainFrame()
	for _, part := range []struct {
		path string
		raw  json.RawMessage
		make func(component) error
	}{
		{"normalizer", j.Normalizer, func(c component) error {
			n, err := newNormalizer(c)
			if err != nil {
				return err
			}
			t.normalize = n
			return c.checkGrowth(n.growth)
		}},
		{"pre_tokenizer", j.Pre, func(c component) (err error) {
			m, ok := t.model.(*bpe)
			raw := ok && m.takesBytes() && endsInByteLevel(c)
			if raw {
				m.raw = true
			}
			if t.words, err = newPreTokenizer(c, raw); err != nil {
				return err
			}
			t.asksFirst, err = asksFirst(c)
			return err
		}},
		{"post_processor", j.Post, func(c component) (err error) { t.frame, _, err = newFrame(c); return }},
		{"decoder", j.Decoder, func(c component) error {
			d, growth, err := newDecoder(c)
			if err != nil {
				return err
			}
			t.decode = d
			return c.checkGrowth(growth)
		}},
	} {
		c, ok, err := newComponent(part.path, part.raw)
		if err != nil {
			return err
		}
		if ok {
			if err := part.make(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxID bounds the ids of any file.
const maxID = 1 << 24

// readNames fills the list of tokens by id from the vocabulary. It has no more
// room for unused ids than the file has tokens, four times over.
func (t *Tokenizer) readNames(added int) error {
	vocab := t.model.tokens()
	limit := min(maxID, 1<<16+4*(len(vocab)+added))
	for _, s := range slices.Sorted(maps.Keys(vocab)) {
		id := vocab[s]
		if id < 0 || id >= limit {
			return fmt.Errorf("token %q: id %d is out of range for %d tokens", s, id, len(vocab)+added)
		}
		for id >= len(t.names) {
			t.names = append(t.names, "")
		}
		if old := t.names[id]; old != "" {
			return fmt.Errorf("token %q: id %d is also that of %q", s, id, old)
		}
		t.names[id] = s
	}
	return nil
}

// readAdded sorts added tokens by the text they are matched in. As in the
// tokenizers library, one that the normaliser changes is decoded as changed, and
// is then no longer known as special.
func (t *Tokenizer) readAdded(added []addedToken) {
	var plain, normalized []string
	var plainTokens, normalizedTokens []addedToken
	for _, a := range added {
		t.added[a.Content], t.special[a.ID] = a.ID, a.Special
		for a.ID >= len(t.names) {
			t.names = append(t.names, "")
		}
		t.names[a.ID] = a.Content
		if !a.Normalized {
			plain, plainTokens = append(plain, a.Content), append(plainTokens, a)
			continue
		}
		s := t.normalize.apply(a.Content)
		normalized, normalizedTokens = append(normalized, s), append(normalizedTokens, a)
		t.names[a.ID] = s
	}
	for _, a := range added {
		t.skipped[a.ID] = a.Special && t.names[a.ID] == a.Content
	}
	t.raw, t.after = newMatcher(plain, plainTokens), newMatcher(normalized, normalizedTokens)
}

// Save writes the tokenizer's files to the folder dir, unchanged, and the chat
// templates that lay beside them.
func (t *Tokenizer) Save(dir string) error {
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		if name == checkpoint.ConfigFile || name == checkpoint.GenerationFile {
			continue
		}
		if err := checkpoint.WriteCompanion(dir, name, t.files[name]); err != nil {
			return err
		}
	}
	return nil
}
