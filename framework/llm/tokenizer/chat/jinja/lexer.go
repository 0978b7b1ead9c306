package jinja

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token's kind is "data", "name", "string", "integer", "float", "eof", one
// of the four delimiters, or the operator itself.
type token struct {
	kind string
	text string // of a name or of data, value of a string
	num  any
	line int
}

const (
	blockBegin, blockEnd = "{%", "%}"
	printBegin, printEnd = "{{", "}}"
)

var (
	rawBegin  = regexp.MustCompile(`^\{%([-+]?)` + space + `raw` + space + `(?:-%\}` + space + `|%\})`)
	rawEnd    = regexp.MustCompile(`\{%([-+]?)` + space + `endraw` + space + `(?:\+%\}|-%\}` + space + `|%\}\n?)`)
	intToken  = regexp.MustCompile(`^(?i:0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[0-9a-f])+|[1-9](?:_?[0-9])*|0(?:_?0)*)`)
	floatExp  = regexp.MustCompile(`^(?i:(?:[0-9]+_)*[0-9]+(?:(?:\.(?:[0-9]+_)*[0-9]+)?e[+-]?(?:[0-9]+_)*[0-9]+|\.(?:[0-9]+_)*[0-9]+))`)
	operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}
)

// space is Python's \s for text, zero or more times.
const space = `[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*`

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

type lexer struct {
	src       string
	pos       int
	line      int
	lineStart bool // the match before ended with a newline
	tokens    []token
}

// lex splits a template into tokens: lines end with \n whatever they ended
// with, one newline at the end is dropped, and white space around tags goes as
// trim_blocks, lstrip_blocks and the signs - and + say.
func lex(source string) ([]token, error) {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(source, "\ufffd"))
	l := &lexer{src: strings.TrimSuffix(source, "\n"), line: 1, lineStart: true}
	for l.pos < len(l.src) {
		if err := l.root(); err != nil {
			return nil, at(err, l.line)
		}
	}
	l.emit(token{kind: "eof"})
	return l.tokens, nil
}

func (l *lexer) emit(t token) {
	t.line = l.line
	l.tokens = append(l.tokens, t)
}

// take moves past n bytes and counts their lines.
func (l *lexer) take(n int) string {
	s := l.src[l.pos : l.pos+n]
	l.pos += n
	l.line += strings.Count(s, "\n")
	if n > 0 {
		l.lineStart = s[n-1] == '\n'
	}
	return s
}

// root reads text up to a tag, and the tag.
func (l *lexer) root() error {
	rest := l.src[l.pos:]
	i := 0
	for ; i < len(rest); i++ {
		if rest[i] == '{' && i+1 < len(rest) && (rest[i+1] == '%' || rest[i+1] == '{' || rest[i+1] == '#') {
			break
		}
	}
	if i == len(rest) {
		l.data(l.take(len(rest)))
		return nil
	}
	tag := rest[i : i+2]
	sign := ""
	if i+2 < len(rest) && (rest[i+2] == '-' || rest[i+2] == '+') {
		sign = rest[i+2 : i+3]
	}
	text := l.strip(rest[:i], sign, tag != printBegin)
	raw := rawBegin.FindString(rest[i:])
	l.data(text)
	if raw != "" {
		l.take(i + len(raw))
		return l.raw()
	}
	l.take(i + 2 + len(sign))
	switch tag {
	case "{#":
		return l.comment()
	case printBegin:
		l.emit(token{kind: printBegin})
		return l.tag(printEnd)
	}
	l.emit(token{kind: blockBegin})
	return l.tag(blockEnd)
}

func (l *lexer) data(text string) {
	if text != "" {
		l.emit(token{kind: "data", text: text})
	}
}

// strip removes the white space before a tag: all of it for -, that of the
// tag's own line for a tag that prints nothing and has no +.
func (l *lexer) strip(text, sign string, lstrip bool) string {
	if sign == "-" {
		return strings.TrimRightFunc(text, isSpace)
	}
	if sign == "+" || !lstrip {
		return text
	}
	start := strings.LastIndexByte(text, '\n') + 1
	if (start > 0 || l.lineStart) && strings.TrimLeftFunc(text[start:], isSpace) == "" {
		return text[:start]
	}
	return text
}

func (l *lexer) comment() error {
	end := strings.Index(l.src[l.pos:], "#}")
	if end < 0 {
		return errorf(Syntax, "Missing end of comment tag")
	}
	sign := byte(0)
	if end > 0 {
		sign = l.src[l.pos+end-1]
	}
	l.take(end)
	l.close("#}", sign)
	return nil
}

// close moves past the delimiter at the position, and past the white space
// that sign (the byte before it) and trim_blocks say.
func (l *lexer) close(delimiter string, sign byte) {
	n := len(delimiter)
	rest := l.src[l.pos+n:]
	switch {
	case sign == '-':
		n += len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
	case sign != '+' && delimiter != printEnd && strings.HasPrefix(rest, "\n"):
		n++
	}
	l.take(n)
}

func (l *lexer) raw() error {
	rest := l.src[l.pos:]
	m := rawEnd.FindStringSubmatchIndex(rest)
	if m == nil {
		return errorf(Syntax, "Missing end of raw directive")
	}
	l.data(l.strip(rest[:m[0]], rest[m[2]:m[3]], true))
	l.take(m[1])
	return nil
}

// tag reads the tokens inside a tag up to its end, which counts only where all
// brackets are closed.
func (l *lexer) tag(end string) error {
	var open []byte
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		if len(open) == 0 {
			sign := byte(0)
			if (rest[0] == '-' || rest[0] == '+' && end == blockEnd) && strings.HasPrefix(rest[1:], end) {
				sign = rest[0]
				l.take(1)
				rest = rest[1:]
			}
			if strings.HasPrefix(rest, end) {
				l.emit(token{kind: end})
				l.close(end, sign)
				return nil
			}
		}
		r, _ := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(r):
			l.take(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
		case r >= '0' && r <= '9':
			if err := l.number(rest); err != nil {
				return err
			}
		case isWord(r):
			name := rest[:len(rest)-len(strings.TrimLeftFunc(rest, isWord))]
			if r != '_' && !unicode.IsLetter(r) {
				return errorf(Syntax, "Invalid character in identifier")
			}
			if len(name) > longestName {
				return errorf(Limit, "a name of more than %d bytes", longestName)
			}
			l.emit(token{kind: "name", text: name})
			l.take(len(name))
		case r == '\'' || r == '"':
			if err := l.str(rest); err != nil {
				return err
			}
		default:
			op, err := operator(rest, &open)
			if err != nil {
				return err
			}
			l.emit(token{kind: op})
			l.take(len(op))
		}
	}
	return nil // the parser names what is missing
}

// longestName bounds the time that it takes to look up a name, in bytes.
const longestName = 1000

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

func (l *lexer) number(rest string) error {
	if f := floatExp.FindString(rest); f != "" && (l.pos == 0 || l.src[l.pos-1] != '.') {
		v, err := strconv.ParseFloat(strings.ReplaceAll(f, "_", ""), 64)
		if err != nil && v == 0 {
			return errorf(Syntax, "number %s: %v", f, err)
		}
		l.emit(token{kind: "float", num: v})
		l.take(len(f))
		return nil
	}
	s := intToken.FindString(rest)
	const longest = 4300 // digits, as Python's own limit
	v, ok := new(big.Int).SetString(s, 0)
	if !ok || len(s) > longest {
		return errorf(Syntax, "number %.40s cannot be read", s)
	}
	l.emit(token{kind: "integer", num: norm(v)})
	l.take(len(s))
	return nil
}

// str reads a quoted string.
func (l *lexer) str(rest string) error {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case rest[0]:
			s, err := unescape(rest[1:i])
			if err != nil {
				return err
			}
			l.emit(token{kind: "string", text: s})
			l.take(i + 1)
			return nil
		}
	}
	return errorf(Syntax, "unexpected char %q: the string has no end", rest[0])
}

func operator(rest string, open *[]byte) (string, error) {
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		closing := map[string]byte{"(": ')', "[": ']', "{": '}'}
		if c, ok := closing[op]; ok {
			*open = append(*open, c)
		}
		if op == ")" || op == "]" || op == "}" {
			n := len(*open)
			if n == 0 || (*open)[n-1] != op[0] {
				return "", errorf(Syntax, "unexpected '%s'", op)
			}
			*open = (*open)[:n-1]
		}
		return op, nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return "", errorf(Syntax, "unexpected char %q", r)
}
