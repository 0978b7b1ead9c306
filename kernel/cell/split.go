package cell

import (
	"fmt"
	"go/scanner"
	"go/token"
	"strings"
)

// Kind says what a chunk of a cell is.
type Kind int

const (
	Statement Kind = iota
	Import
	Func // a function or a method
	Type
	Const
	Command // %name arguments
	Shell   // $ command line
)

// Chunk is one declaration, statement or command of a cell.
type Chunk struct {
	Kind      Kind
	Text      string // a command without its mark
	Line, Col int    // of its first byte in the cell, from 1
}

// Error is a mistake that shows before anything is parsed.
type Error struct {
	Line, Col int
	Message   string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Message) }

// WholeTime is the line with which a cell begins whose statements are all timed.
const WholeTime = "%%time"

// Split takes a cell apart in order. What follows %time on its line is a
// statement of its own, of as many lines as it needs. A cell that begins with %%
// is one command, its text included, but for %%time, which is a command before the rest.
func Split(code string) ([]Chunk, error) {
	lines := strings.Split(code, "\n")
	var (
		chunks []Chunk
		s      state
		from   int // first line of the Go text that is not yet taken apart
		indent int // bytes of that line that belong to a command
	)
	flush := func(to int) error {
		text := strings.Repeat(" ", indent)
		if from < to {
			text += lines[from][indent:] + "\n" + strings.Join(lines[from+1:to], "\n")
		}
		more, err := statements(text, from)
		chunks = append(chunks, more...)
		from, indent = to, 0
		return err
	}
	if head := strings.TrimSpace(code); strings.HasPrefix(head, WholeTime) && strings.TrimSpace(strings.SplitN(head, "\n", 2)[0]) == WholeTime {
		at := strings.Index(code, WholeTime)
		rest, err := Split(code[:at] + strings.Repeat(" ", len(WholeTime)) + code[at+len(WholeTime):])
		return append([]Chunk{{Kind: Command, Text: WholeTime[1:], Line: 1 + strings.Count(code[:at], "\n"), Col: 1}}, rest...), err
	} else if strings.HasPrefix(head, "%%") {
		return []Chunk{{Kind: Command, Text: head[1:], Line: 1 + strings.Count(code[:strings.Index(code, head)], "\n"), Col: 1}}, nil
	}
	for i, l := range lines {
		mark, rest, ok := s.command(l)
		if !ok {
			s.line(l)
			continue
		}
		if err := flush(i); err != nil {
			return nil, err
		}
		c := Chunk{Kind: Command, Text: rest, Line: i + 1, Col: strings.IndexByte(l, mark) + 1}
		if mark == '$' {
			c.Kind = Shell
		}
		name, after, _ := strings.Cut(rest, " ")
		if code := strings.TrimSpace(after); c.Kind == Command && Timed(name) && code != "" {
			c.Text = name
			from, indent = i, strings.LastIndex(l, code)
			s.line(l[indent:])
		} else {
			from = i + 1
		}
		chunks = append(chunks, c)
	}
	return chunks, flush(len(lines))
}

// Timed tells whether a command measures the statement that follows it.
func Timed(name string) bool { return name == "time" || name == "timeit" }

// statements takes Go text apart whose first line is line first (from 0) of the cell.
func statements(text string, first int) ([]Chunk, error) {
	var (
		chunks []Chunk
		failed *Error
		toks   []tok // of the statement at hand
		depth  int
		opened []tok // brackets that are open
		header bool  // of an if, for or switch: a semicolon does not end it
	)
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(text))
	at := func(offset int) (line, col int) {
		p := file.Position(file.Pos(offset))
		return p.Line + first, p.Column
	}
	var sc scanner.Scanner
	sc.Init(file, []byte(text), func(p token.Position, msg string) {
		if failed == nil {
			failed = &Error{p.Line + first, p.Column, msg}
		}
	}, 0)
	end := func(to int) {
		if len(toks) > 0 {
			line, col := at(toks[0].offset)
			chunks = append(chunks, Chunk{kind(toks), text[toks[0].offset:to], line, col})
		}
		toks, header = toks[:0], false
	}
	for {
		pos, t, lit := sc.Scan()
		offset := file.Offset(pos)
		switch {
		case t == token.EOF:
			end(len(text))
			if failed != nil {
				return nil, failed
			}
			if len(opened) > 0 {
				b := opened[len(opened)-1]
				line, col := at(b.offset)
				return nil, &Error{line, col, b.String() + " is not closed"}
			}
			return chunks, nil
		case t == token.SEMICOLON && depth == 0 && !(header && lit == ";"):
			end(offset)
			continue
		case depth == 0 && (t == token.IF || t == token.FOR || t == token.SWITCH):
			header = true
		case t == token.LPAREN, t == token.LBRACK, t == token.LBRACE:
			header = header && (t != token.LBRACE || depth > 0)
			depth++
			opened = append(opened, tok{t, lit, offset})
		case t == token.RPAREN, t == token.RBRACK, t == token.RBRACE:
			if depth--; depth < 0 {
				line, col := at(offset)
				return nil, &Error{line, col, "unexpected " + t.String()}
			}
			opened = opened[:depth]
		}
		toks = append(toks, tok{t, lit, offset})
	}
}

type tok struct {
	token.Token
	lit    string
	offset int
}

// kind tells a declaration by its first tokens.
func kind(toks []tok) Kind {
	switch toks[0].Token {
	case token.IMPORT:
		return Import
	case token.TYPE:
		return Type
	case token.CONST:
		return Const
	case token.FUNC:
		if declares(toks) {
			return Func
		}
	}
	return Statement
}

// declares tells func name( and func (receiver) name( from a function literal.
func declares(toks []tok) bool {
	if len(toks) < 3 {
		return false
	}
	if toks[1].Token == token.IDENT {
		return true
	}
	depth := 0
	for i, t := range toks[1:] {
		switch t.Token {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			if depth--; depth == 0 {
				rest := toks[i+2:]
				return len(rest) > 1 && rest[0].Token == token.IDENT && (rest[1].Token == token.LPAREN || rest[1].Token == token.LBRACK)
			}
		}
	}
	return false
}
