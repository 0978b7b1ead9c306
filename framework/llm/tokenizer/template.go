package tokenizer

import (
	"encoding/json"
	"fmt"
)

// frame says how sequences are put together: one text, or a pair.
type frame struct{ single, pair []piece }

// piece is a sequence of the text (0: the first, 1: the second of a pair), or
// with sequence -1 special tokens. typ is its type id.
type piece struct {
	sequence int
	ids      []int
	typ      int
}

// plainFrame adds nothing.
func plainFrame() frame {
	return frame{single: []piece{{sequence: 0}}, pair: []piece{{sequence: 0}, {sequence: 1, typ: 1}}}
}

const postProcessors = "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence"

func newFrame(c component) (f frame, frames bool, err error) {
	switch c.kind {
	case "ByteLevel": // changes offsets only, not ids
		return plainFrame(), false, nil
	case "Sequence":
		parts, err := c.list("processors")
		if err != nil {
			return f, false, err
		}
		f = plainFrame()
		for _, p := range parts {
			inner, adds, err := newFrame(p)
			if err != nil {
				return f, false, err
			}
			if adds && frames {
				return f, false, fmt.Errorf("%s (%s): only one processor of a Sequence may add tokens", p.path, p.kind)
			}
			if adds {
				f, frames = inner, true
			}
		}
		return f, frames, nil
	case "TemplateProcessing":
		f, err = newTemplate(c)
		return f, true, err
	case "BertProcessing":
		cls, sep, err := clsAndSep(c)
		return frame{
			single: []piece{special(0, cls), {sequence: 0}, special(0, sep)},
			pair:   []piece{special(0, cls), {sequence: 0}, special(0, sep), {sequence: 1, typ: 1}, special(1, sep)},
		}, true, err
	case "RobertaProcessing":
		cls, sep, err := clsAndSep(c)
		return frame{
			single: []piece{special(0, cls), {sequence: 0}, special(0, sep)},
			pair:   []piece{special(0, cls), {sequence: 0}, special(0, sep, sep), {sequence: 1}, special(0, sep)},
		}, true, err
	}
	return f, false, c.unsupported(postProcessors)
}

func special(typ int, ids ...int) piece { return piece{sequence: -1, ids: ids, typ: typ} }

// clsAndSep reads the fields cls and sep, each a token and its id.
func clsAndSep(c component) (cls, sep int, err error) {
	var o struct{ Cls, Sep json.RawMessage }
	if err := c.options(&o); err != nil {
		return 0, 0, err
	}
	for _, f := range []struct {
		name string
		raw  json.RawMessage
		id   *int
	}{{"cls", o.Cls, &cls}, {"sep", o.Sep, &sep}} {
		var token *string
		id := -1
		pair := []any{&token, &id}
		if err := json.Unmarshal(f.raw, &pair); err != nil || len(pair) != 2 || token == nil || id < 0 || id >= maxID {
			return 0, 0, fmt.Errorf("%s.%s: expected a token and its id, got %.60s", c.path, f.name, f.raw)
		}
		*f.id = id
	}
	return cls, sep, nil
}

// templatePiece is an element of a TemplateProcessing's single or pair.
type templatePiece struct {
	SpecialToken *templateID `json:"SpecialToken"`
	Sequence     *templateID `json:"Sequence"`
}

type templateID struct {
	ID   string `json:"id"`
	Type int    `json:"type_id"`
}

type templateTokens map[string]struct {
	IDs []int `json:"ids"`
}

func newTemplate(c component) (f frame, err error) {
	var o struct {
		Single  []templatePiece `json:"single"`
		Pair    []templatePiece `json:"pair"`
		Special templateTokens  `json:"special_tokens"`
	}
	if err := c.options(&o); err != nil {
		return f, err
	}
	if f.single, err = template(c.path+".single", o.Single, o.Special, "A"); err != nil {
		return f, err
	}
	f.pair, err = template(c.path+".pair", o.Pair, o.Special, "A", "B")
	return f, err
}

// maxSpecial is how many special tokens a template may add.
const maxSpecial = 1000

// template reads pieces, among which every sequence must stand once.
func template(path string, pieces []templatePiece, tokens templateTokens, sequences ...string) ([]piece, error) {
	var out []piece
	seen := make([]bool, len(sequences))
	added := 0
	for i, p := range pieces {
		switch {
		case p.Sequence != nil:
			known := false
			for n, name := range sequences {
				if name == p.Sequence.ID && !seen[n] {
					known, seen[n] = true, true
					out = append(out, piece{sequence: n, typ: p.Sequence.Type})
				}
			}
			if !known {
				return nil, fmt.Errorf("%s[%d]: Sequence %q is not one of %q, or stands there twice", path, i, p.Sequence.ID, sequences)
			}
		case p.SpecialToken != nil:
			t, ok := tokens[p.SpecialToken.ID]
			if !ok {
				return nil, fmt.Errorf("%s[%d]: %q is not in special_tokens", path, i, p.SpecialToken.ID)
			}
			for _, id := range t.IDs {
				if id < 0 || id >= maxID {
					return nil, fmt.Errorf("%s[%d]: %q: id %d is out of range", path, i, p.SpecialToken.ID, id)
				}
			}
			if added += len(t.IDs); added > maxSpecial {
				return nil, fmt.Errorf("%s: adds more than %d special tokens", path, maxSpecial)
			}
			out = append(out, special(p.SpecialToken.Type, t.IDs...))
		default:
			return nil, fmt.Errorf("%s[%d]: expected a SpecialToken or a Sequence", path, i)
		}
	}
	for n, ok := range seen {
		if !ok {
			return nil, fmt.Errorf("%s: has no Sequence %s, so its text would be dropped", path, sequences[n])
		}
	}
	return out, nil
}
