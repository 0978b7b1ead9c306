package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Names of the files of a tokenizer folder.
const (
	File       = "tokenizer.json"
	ConfigFile = "tokenizer_config.json"
)

// Tokenizer encodes and decodes. It is safe for concurrent use.
type Tokenizer struct {
	model     *bpe
	raw       matcher // added tokens matched in the text as given
	after     matcher // added tokens matched in the normalised text
	normalize normalizer
	words     preTokenizer
	frame     frame
	decode    decoder // nil: tokens joined by spaces

	tokens  []string // by id; "" where an id is not used
	special map[int]bool

	files files
	specials
}

// Load reads the tokenizer of a model folder: tokenizer.json, and beside it
// tokenizer_config.json, special_tokens_map.json, chat_template.jinja and
// config.json as far as they exist.
func Load(dir string) (*Tokenizer, error) {
	fs, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	return build(fs, dir)
}

// files are the texts that a tokenizer came from, kept so that Save writes
// them back unchanged.
type files struct {
	tokenizer, config, specialMap, template, model []byte
}

func readFiles(dir string) (files, error) {
	var fs files
	for _, f := range []struct {
		name string
		to   *[]byte
	}{{File, &fs.tokenizer}, {ConfigFile, &fs.config}, {"special_tokens_map.json", &fs.specialMap},
		{"chat_template.jinja", &fs.template}, {checkpoint.ConfigFile, &fs.model}} {
		b, err := os.ReadFile(filepath.Join(dir, f.name))
		if errors.Is(err, os.ErrNotExist) && f.name == File {
			return fs, fmt.Errorf("%s: is missing; give a Hugging Face folder with a tokenizer.json: %w", filepath.Join(dir, f.name), err)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fs, err
		}
		*f.to = b
	}
	return fs, nil
}

func build(fs files, dir string) (*Tokenizer, error) {
	t := &Tokenizer{special: map[int]bool{}, files: fs}
	if err := t.parse(fs.tokenizer); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, File), err)
	}
	if err := t.readSpecials(dir); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Tokenizer) parse(raw []byte) error {
	var j struct {
		Added      []addedToken    `json:"added_tokens"`
		Normalizer json.RawMessage `json:"normalizer"`
		Pre        json.RawMessage `json:"pre_tokenizer"`
		Post       json.RawMessage `json:"post_processor"`
		Decoder    json.RawMessage `json:"decoder"`
		Model      json.RawMessage `json:"model"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	var err error
	if t.model, err = newBPE(j.Model); err != nil {
		return err
	}
	if err := checkAdded(j.Added, t.model.vocab); err != nil {
		return err
	}
	t.normalize = func(s string) string { return s }
	t.words = func(piece string, _ bool, emit func(string)) { emit(piece) }
	for _, part := range []struct {
		path string
		raw  json.RawMessage
		make func(component) error
	}{
		{"normalizer", j.Normalizer, func(c component) (err error) { t.normalize, err = newNormalizer(c); return }},
		{"pre_tokenizer", j.Pre, func(c component) (err error) { t.words, err = newPreTokenizer(c); return }},
		{"post_processor", j.Post, func(c component) (err error) { t.frame, err = newFrame(c); return }},
		{"decoder", j.Decoder, func(c component) (err error) { t.decode, err = newDecoder(c); return }},
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
	for _, s := range slices.Sorted(maps.Keys(t.model.vocab)) {
		if err := t.name(t.model.vocab[s], s); err != nil {
			return err
		}
	}
	for _, a := range j.Added {
		if err := t.name(a.ID, a.Content); err != nil {
			return err
		}
		t.special[a.ID] = a.Special
		if a.Normalized {
			t.after.add(t.normalize(a.Content), a)
		} else {
			t.raw.add(a.Content, a)
		}
	}
	return nil
}

func (t *Tokenizer) name(id int, s string) error {
	const limit = 1 << 24
	if id < 0 || id >= limit {
		return fmt.Errorf("token %q: id %d is out of range", s, id)
	}
	for id >= len(t.tokens) {
		t.tokens = append(t.tokens, "")
	}
	if old := t.tokens[id]; old != "" && old != s {
		return fmt.Errorf("token %q: id %d is also that of %q", s, id, old)
	}
	t.tokens[id] = s
	return nil
}

// Encode gives the ids of text. With addSpecial the post-processor's special
// tokens (such as <s> in front) are added. Bytes that are not UTF-8 count as
// U+FFFD.
func (t *Tokenizer) Encode(text string, addSpecial bool) []int {
	text = strings.ToValidUTF8(text, "\ufffd")
	var ids []int
	if addSpecial {
		ids = append(ids, t.frame.before...)
	}
	first := true
	for _, piece := range t.raw.split(text) {
		if piece.id >= 0 {
			ids, first = append(ids, piece.id), false
			continue
		}
		for _, part := range t.after.split(t.normalize(piece.text)) {
			if part.id >= 0 {
				ids = append(ids, part.id)
			} else if part.text != "" {
				t.words(part.text, first, func(w string) { ids = t.model.encode(ids, w) })
			}
			first = false
		}
	}
	if addSpecial {
		ids = append(ids, t.frame.after...)
	}
	return ids
}

// Decode gives the text of ids; with skipSpecial, special tokens give nothing.
// Ids outside the vocabulary give nothing either.
func (t *Tokenizer) Decode(ids []int, skipSpecial bool) string {
	var tokens []string
	for _, id := range ids {
		if id < 0 || id >= len(t.tokens) || t.tokens[id] == "" || skipSpecial && t.special[id] {
			continue
		}
		tokens = append(tokens, t.tokens[id])
	}
	if t.decode == nil {
		return strings.Join(tokens, " ")
	}
	return strings.Join(t.decode(tokens), "")
}

// VocabSize is one more than the largest id.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Token is the entry of id as tokenizer.json spells it; "" outside.
func (t *Tokenizer) Token(id int) string {
	if id < 0 || id >= len(t.tokens) {
		return ""
	}
	return t.tokens[id]
}

// ID looks up a token as tokenizer.json spells it.
func (t *Tokenizer) ID(token string) (int, bool) {
	if id, ok := t.model.vocab[token]; ok {
		return id, true
	}
	for id, s := range t.tokens {
		if s == token && s != "" {
			return id, true
		}
	}
	return -1, false
}

// Special says whether id is a special token.
func (t *Tokenizer) Special(id int) bool { return t.special[id] }

// Hash is the SHA-256 (lower-case hexadecimal) of tokenizer.json and of the
// special ids in use: equal hashes encode and decode alike.
func (t *Tokenizer) Hash() string {
	h := sha256.New()
	h.Write(t.files.tokenizer)
	fmt.Fprintf(h, "\x00bos=%d eos=%d pad=%d", t.BOS(), t.EOS(), t.PAD())
	return hex.EncodeToString(h.Sum(nil))
}

// Save writes the tokenizer's files to the folder dir, unchanged.
func (t *Tokenizer) Save(dir string) error {
	for _, f := range []struct {
		name string
		raw  []byte
	}{{File, t.files.tokenizer}, {ConfigFile, t.files.config}, {"special_tokens_map.json", t.files.specialMap}, {"chat_template.jinja", t.files.template}} {
		if f.raw == nil {
			continue
		}
		err := checkpoint.WriteAtomic(filepath.Join(dir, f.name), func(w io.Writer) error {
			_, err := w.Write(f.raw)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
