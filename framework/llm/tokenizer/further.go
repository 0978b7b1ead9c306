package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// further are tokens that transformers 5.23 adds on loading to those of
// tokenizer.json (TokenizersBackend.__init__).
type further struct {
	declared []addedToken // added_tokens_decoder of tokenizer_config.json, by id
	roles    []addedToken // special tokens
	nameless []addedToken // special tokens without a role
	files    []string     // that say which token has which role; the first that does counts
}

// specialRoles in transformers' order.
var specialRoles = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

const specialMapFile = "special_tokens_map.json"

// readFurther reads tokenizer_config.json and, where that has no
// added_tokens_decoder, special_tokens_map.json, which comes before it. Tokens
// of a model's own (image_token and the like) are not added.
func readFurther(from files, dir string) (out further, err error) {
	config := map[string]json.RawMessage{}
	read := func(name string) error {
		if from[name] == nil {
			return nil
		}
		if err := checkpoint.ParseJSON(from[name], &config); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
		return nil
	}
	if err := read(ConfigFile); err != nil {
		return out, err
	}
	out.files = []string{ConfigFile, checkpoint.ConfigFile}
	if raw, ok := config["added_tokens_decoder"]; !ok {
		out.files = slices.Insert(out.files, 0, specialMapFile)
		err = read(specialMapFile)
	} else if out.declared, err = readDeclared(raw); err != nil {
		err = fmt.Errorf("%s: added_tokens_decoder: %w", filepath.Join(dir, ConfigFile), err)
	}
	if err != nil {
		return out, err
	}
	var list []json.RawMessage
	for _, field := range []string{"additional_special_tokens", "extra_special_tokens"} {
		var l []json.RawMessage // an object there names tokens of a model's own
		if json.Unmarshal(config[field], &l) == nil && len(l) > 0 {
			list = l
		}
	}
	for _, raw := range list {
		if token, ok := readToken(raw, true); ok {
			out.nameless = append(out.nameless, token)
		}
	}
	for _, role := range specialRoles {
		if token, ok := readToken(config[role], true); ok {
			out.roles = append(out.roles, token)
		}
	}
	return out, nil
}

func readDeclared(raw json.RawMessage) ([]addedToken, error) {
	var tokens map[int]json.RawMessage
	if err := checkpoint.ParseJSON(raw, &tokens); err != nil {
		return nil, err
	}
	out := []addedToken{} // not nil: the field is there
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		token, ok := readToken(tokens[id], false)
		if !ok {
			return nil, fmt.Errorf("%d: not a token with a content", id)
		}
		out = append(out, token)
	}
	return out, nil
}

// readToken reads a text or an object (AddedToken of the tokenizers library); ok
// is false for all else. Special tokens are by default matched in the text as
// given.
func readToken(raw json.RawMessage, special bool) (addedToken, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return addedToken{Content: text, Special: true}, true
	}
	var flags struct{ Normalized *bool }
	token := addedToken{Special: special}
	if json.Unmarshal(raw, &token) != nil || json.Unmarshal(raw, &flags) != nil || token.Content == "" {
		return token, false
	}
	token.Special = token.Special || special
	if flags.Normalized == nil {
		token.Normalized = !token.Special
	}
	return token, true
}

// join adds the further tokens that the file's do not have alike. One that is
// known keeps its id, another gets the next, whatever id it was declared with.
func (f further) join(added []addedToken, vocab map[string]int) []addedToken {
	at := map[string]int{}
	next := len(vocab)
	put := func(token addedToken) {
		i, known := at[token.Content]
		switch id, inVocab := vocab[token.Content]; {
		case known:
			token.ID = added[i].ID
			added[i] = token
			return
		case inVocab:
			token.ID = id
		default:
			token.ID = next
			next++
		}
		at[token.Content] = len(added)
		added = append(added, token)
	}
	file := added
	added = nil
	for _, token := range file {
		put(token)
	}
	for _, token := range f.declared {
		named := func(r addedToken) bool { return r.Content == token.Content }
		token.Special = token.Special || slices.ContainsFunc(f.roles, named)
		put(token)
	}
	for _, token := range f.roles {
		if i, known := at[token.Content]; !known {
			put(token)
		} else if f.declared == nil {
			added[i].Special = true
		}
	}
	for _, token := range f.nameless {
		if _, known := at[token.Content]; !known {
			put(token)
		}
	}
	return added
}
