package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// Status is the answer to "may this be run, or does its author go on writing?".
type Status string

const (
	Complete   Status = "complete"
	Incomplete Status = "incomplete"
	Invalid    Status = "invalid"
)

// Check tells whether a cell is whole. For an incomplete one it gives the indent
// of the next line.
func Check(code string) (Status, string) {
	var s state
	for l := range strings.SplitSeq(code, "\n") {
		if _, _, ok := s.command(l); !ok {
			s.line(l)
		}
	}
	if !s.top() {
		if s.raw || s.comment {
			return Incomplete, ""
		}
		return Incomplete, strings.Repeat("\t", s.depth)
	}
	chunks, err := Split(code)
	if err != nil {
		return Invalid, ""
	}
	for i, c := range chunks {
		text := "package p\n" + c.Text
		switch c.Kind {
		case Command, Shell:
			continue
		case Statement:
			if pkg, ok := strings.CutPrefix(c.Text, "package "); ok && !strings.Contains(pkg, "\n") {
				continue
			}
			if i == len(chunks)-1 && Listed(c.Text) {
				continue
			}
			text = "package p\nfunc _() {\n" + c.Text + "\n}"
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution); err != nil {
			if last := strings.TrimSpace(c.Text); i == len(chunks)-1 && open(last) {
				return Incomplete, "\t"
			}
			return Invalid, ""
		}
	}
	return Complete, ""
}

// Listed tells several expressions with commas between them, which Go does not have
// as a statement: at a cell's end all of them are shown.
func Listed(text string) bool {
	if _, err := parser.ParseExpr(text); err == nil {
		return false
	}
	x, err := parser.ParseExpr("f(" + text + "\n)")
	if err != nil {
		x, err = parser.ParseExpr("f(" + text + ")")
	}
	call, ok := x.(*ast.CallExpr)
	return err == nil && ok && len(call.Args) > 1
}

// open tells whether a text ends in a token after which Go goes on in the next line.
func open(text string) bool {
	for _, end := range []string{"+", "-", "*", "/", "%", "=", "&", "|", "^", "<", ">", ",", ".", "!", ":"} {
		if strings.HasSuffix(text, end) && !strings.HasSuffix(text, "++") && !strings.HasSuffix(text, "--") {
			return true
		}
	}
	return false
}
