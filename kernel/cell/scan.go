// Package cell takes a notebook cell apart: which lines are commands (%name,
// $ command), which text is a declaration and which a statement, and whether the
// text is whole. It knows Go's tokens and nothing of types or of how code is run.
package cell

import "strings"

// state is where in Go's text a scan has come to.
type state struct {
	depth   int  // open brackets of any kind
	raw     bool // in a raw string
	comment bool // in a /* comment
}

// line moves the state over one line of text, which has no newline in it.
func (s *state) line(text string) {
	for i := 0; i < len(text); i++ {
		switch {
		case s.raw:
			s.raw = text[i] != '`'
		case s.comment:
			if strings.HasPrefix(text[i:], "*/") {
				s.comment = false
				i++
			}
		case text[i] == '`':
			s.raw = true
		case strings.HasPrefix(text[i:], "/*"):
			s.comment = true
			i++
		case strings.HasPrefix(text[i:], "//"):
			return
		case text[i] == '"' || text[i] == '\'':
			i = closing(text, i)
		case strings.IndexByte("([{", text[i]) >= 0:
			s.depth++
		case strings.IndexByte(")]}", text[i]) >= 0:
			s.depth--
		}
	}
}

// closing gives the index of the quote that ends the literal beginning at i, or
// the end of the line where none does.
func closing(text string, i int) int {
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '\\':
			j++
		case text[i]:
			return j
		}
	}
	return len(text)
}

// top tells whether a line that starts here starts a statement.
func (s *state) top() bool { return s.depth <= 0 && !s.raw && !s.comment }

// command gives a line's command without its mark, and the mark.
func (s *state) command(text string) (mark byte, rest string, ok bool) {
	t := strings.TrimSpace(text)
	if !s.top() || t == "" || (t[0] != '%' && t[0] != '$') {
		return 0, "", false
	}
	return t[0], strings.TrimSpace(t[1:]), true
}
