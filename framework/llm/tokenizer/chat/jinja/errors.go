package jinja

import "fmt"

// Kinds of Error: the name of the exception that Python raises, or one of the
// two of this package's own.
const (
	Syntax         = "TemplateSyntaxError"
	Assertion      = "TemplateAssertionError" // a known mistake found while compiling, such as an unknown filter
	Raised         = "TemplateError"          // by raise_exception: the message is the template author's
	Runtime        = "TemplateRuntimeError"
	Undefined      = "UndefinedError"
	Security       = "SecurityError"
	FilterArgument = "FilterArgumentError"
	TypeError      = "TypeError"
	ValueError     = "ValueError"
	IndexError     = "IndexError"
	KeyError       = "KeyError"
	ZeroDivision   = "ZeroDivisionError"
	Overflow       = "OverflowError"

	Unsupported = "unsupported" // Python would go on; this package doesn't know how
	Limit       = "limit"       // one of Limits was passed
)

// Error is why a template could not be parsed or rendered.
type Error struct {
	Kind    string
	Message string
	Line    int // of the template, from 1; 0 where unknown
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s: %s", e.Line, e.Kind, e.Message)
	}
	return e.Kind + ": " + e.Message
}

func errorf(kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// at names the line of an error that has none yet.
func at(err error, line int) error {
	if e, ok := err.(*Error); ok && e.Line == 0 {
		return &Error{Kind: e.Kind, Message: e.Message, Line: line}
	}
	return err
}
