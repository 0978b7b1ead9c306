package generate

import "strings"

// text is what a sequence's new tokens add to the text of its prompt, so that
// a decoder that drops the first space of a text drops only the prompt's.
func (d *decoding) text(s *sequence) string {
	tok, prompt := d.o.Tokenizer, d.prompts[s.prompt]
	before := tok.Decode(prompt, true)
	all := tok.Decode(append(prompt[:len(prompt):len(prompt)], s.out.IDs...), true)
	if rest, ok := strings.CutPrefix(all, before); ok {
		return rest
	}
	return tok.Decode(s.out.IDs, true) // the prompt ends within a character
}

// stopString looks for a stop string in the text of a sequence: in all of it
// at first, later in its end, where alone a new one can appear.
func (d *decoding) stopString(s *sequence) bool {
	if len(d.o.StopStrings) == 0 {
		return false
	}
	longest := 0
	for _, stop := range d.o.StopStrings {
		longest = max(longest, len(stop))
	}
	var text string
	if window := longest + 16; len(s.out.IDs) <= window {
		text = d.text(s)
	} else { // an ordinary token is a byte of text at least
		text = d.o.Tokenizer.Decode(s.out.IDs[len(s.out.IDs)-window:], true)
	}
	return len(cutAt(text, d.o.StopStrings)) < len(text)
}

// cutAt ends text before the first of the stop strings in it.
func cutAt(text string, stops []string) string {
	end := len(text)
	for _, stop := range stops {
		if i := strings.Index(text, stop); i >= 0 {
			end = min(end, i)
		}
	}
	return text[:end]
}
