package tokenizer

import "fmt"

// frame is what the post-processor puts before and after a sequence.
type frame struct{ before, after []int }

const postProcessors = "TemplateProcessing, ByteLevel, Sequence"

func newFrame(c component) (frame, error) {
	var f frame
	switch c.kind {
	case "ByteLevel": // changes offsets only, not ids
		return f, nil
	case "Sequence":
		parts, err := c.list("processors")
		if err != nil {
			return f, err
		}
		for _, p := range parts {
			inner, err := newFrame(p)
			if err != nil {
				return f, err
			}
			f.before = append(append([]int(nil), inner.before...), f.before...)
			f.after = append(f.after, inner.after...)
		}
		return f, nil
	case "TemplateProcessing":
		return newTemplate(c)
	}
	return f, c.unsupported(postProcessors)
}

func newTemplate(c component) (frame, error) {
	type piece struct {
		ID string `json:"id"`
	}
	var o struct {
		Single []struct {
			SpecialToken *piece `json:"SpecialToken"`
			Sequence     *piece `json:"Sequence"`
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []int `json:"ids"`
		} `json:"special_tokens"`
	}
	var f frame
	if err := c.options(&o); err != nil {
		return f, err
	}
	seen := false
	for i, p := range o.Single {
		switch {
		case p.Sequence != nil && p.Sequence.ID == "A" && !seen:
			seen = true
		case p.SpecialToken != nil:
			t, ok := o.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return f, fmt.Errorf("%s.single[%d]: %q is not in special_tokens", c.path, i, p.SpecialToken.ID)
			}
			if seen {
				f.after = append(f.after, t.IDs...)
			} else {
				f.before = append(f.before, t.IDs...)
			}
		default:
			return f, fmt.Errorf("%s.single[%d]: expected a SpecialToken, or the Sequence A once", c.path, i)
		}
	}
	if !seen {
		return f, fmt.Errorf("%s.single: has no Sequence A, so every text would be dropped", c.path)
	}
	return f, nil
}
