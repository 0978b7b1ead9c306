package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Tokenizer encodes and decodes. It is safe for concurrent use.
type Tokenizer struct {
	model     model
	raw       matcher // added tokens matched in the text as given
	after     matcher // added tokens matched in the normalised text
	normalize normalizer
	words     preTokenizer
	asksFirst bool // words needs to know which piece begins the text
	frame     frame
	decode    decoder // nil: tokens joined by spaces
	cleanUp   bool    // clean_up_tokenization_spaces

	names   []string       // by id; "" where an id is not used
	added   map[string]int // added tokens by content
	special map[int]bool
	skipped map[int]bool // special tokens that Decode can tell

	grown []addedToken // all of them, where they are not those of tokenizer.json

	spaces workspaces
	files  files
	specials
}

// Encoding is one text, or a pair, as ids with the type of each: which segment
// of the model's input it is in (BERT's token_type_ids). Both have one length.
type Encoding struct{ IDs, Types []int }

// Encode gives the ids of text. With addSpecial the post-processor's special
// tokens (such as <s> in front) are added. Bytes that are not UTF-8 count as
// U+FFFD.
func (t *Tokenizer) Encode(text string, addSpecial bool) []int {
	return t.assemble(t.frame.single, addSpecial, text).IDs
}

// EncodeTyped is Encode with types.
func (t *Tokenizer) EncodeTyped(text string, addSpecial bool) Encoding {
	return t.assemble(t.frame.single, addSpecial, text).withTypes(t.frame.single)
}

// EncodePair encodes two texts as one input, with the special tokens between
// and around them that the post-processor names, or without.
func (t *Tokenizer) EncodePair(a, b string, addSpecial bool) Encoding {
	return t.assemble(t.frame.pair, addSpecial, a, b).withTypes(t.frame.pair)
}

// assembled is an encoding and the end of each piece in it.
type assembled struct {
	IDs  []int
	ends []int
}

func (t *Tokenizer) assemble(pieces []piece, addSpecial bool, texts ...string) assembled {
	w := t.spaces.take()
	n := 8
	for _, s := range texts {
		n += len(s) / 3
	}
	ids := make([]int, 0, n)
	var ends []int
	for _, p := range pieces {
		if p.sequence >= 0 {
			ids = t.sequence(w, ids, strings.ToValidUTF8(texts[p.sequence], "\ufffd"))
		} else if addSpecial {
			ids = append(ids, p.ids...)
		}
		ends = append(ends, len(ids))
	}
	t.spaces.give(w)
	return assembled{ids, ends}
}

func (a assembled) withTypes(pieces []piece) Encoding {
	types := make([]int, 0, len(a.IDs))
	for i, p := range pieces {
		for len(types) < a.ends[i] {
			types = append(types, p.typ)
		}
	}
	return Encoding{a.IDs, types}
}

// sequence appends the ids of a text without special tokens.
func (t *Tokenizer) sequence(w *workspace, ids []int, text string) []int {
	take := func(word string, _ bool) {
		if word != "" {
			ids = t.model.encode(w, ids, word)
		}
	}
	w.outer = t.raw.split(w.outer[:0], text)
	for _, p := range w.outer {
		if p.id >= 0 {
			ids = append(ids, p.id)
			continue
		}
		part := t.normalize.apply(text[p.from:p.to])
		first := p.from == 0 && t.asksFirst && t.leads(text[:p.to])
		w.inner = t.after.split(w.inner[:0], part)
		for _, q := range w.inner {
			if q.id >= 0 {
				ids = append(ids, q.id)
			} else {
				t.words(part[q.from:q.to], first && q.from == 0, take)
			}
		}
	}
	return ids
}

// leads says whether the normalised text begins with what begins it now.
func (t *Tokenizer) leads(text string) bool {
	_, n := utf8.DecodeRuneInString(text)
	return t.normalize.leads(text, n) > 0
}

// Decode gives the text of ids; with skipSpecial, special tokens give nothing.
// Ids outside the vocabulary give nothing either.
func (t *Tokenizer) Decode(ids []int, skipSpecial bool) string {
	var tokens []string
	for _, id := range ids {
		if s := t.Token(id); s != "" && !(skipSpecial && t.skipped[id]) {
			tokens = append(tokens, s)
		}
	}
	var text string
	if t.decode == nil {
		text = strings.Join(tokens, " ")
	} else {
		text = strings.Join(t.decode(tokens), "")
	}
	if t.cleanUp {
		text = cleanUp(text, false)
	}
	return text
}

// VocabSize is one more than the largest id.
func (t *Tokenizer) VocabSize() int { return len(t.names) }

// Token is the token of id as the vocabulary spells it (an added token with
// "normalized": as the normaliser does); "" outside.
func (t *Tokenizer) Token(id int) string {
	if id < 0 || id >= len(t.names) {
		return ""
	}
	return t.names[id]
}

// Tokens is Token for every id.
func (t *Tokenizer) Tokens(ids []int) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = t.Token(id)
	}
	return out
}

// ID looks up a token as tokenizer.json spells it.
func (t *Tokenizer) ID(token string) (int, bool) {
	if id, ok := t.added[token]; ok {
		return id, true
	}
	if id, ok := t.model.id(token); ok {
		return id, true
	}
	return -1, false
}

// Special says whether id is a special token.
func (t *Tokenizer) Special(id int) bool { return t.special[id] }

// Hash is the SHA-256 (lower-case hexadecimal) of tokenizer.json, of tokens that
// other files add to it and of the special ids in use: equal hashes encode and
// decode alike.
func (t *Tokenizer) Hash() string {
	h := sha256.New()
	h.Write(t.files[File])
	for _, a := range t.grown {
		fmt.Fprintf(h, "\x00%+v", a)
	}
	fmt.Fprintf(h, "\x00bos=%d eos=%d pad=%d", t.BOS(), t.EOS(), t.PAD())
	return hex.EncodeToString(h.Sum(nil))
}
