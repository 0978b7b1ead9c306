package tracking

import (
	"errors"
	"fmt"
)

// Code classes an error for programs; the message is for people. A Code is
// itself an error, so that errors.Is(err, tracking.NotFound) asks for it.
type Code string

// The codes of this package.
const (
	NotFound    Code = "not_found"   // no such run, experiment, lease or blob
	Conflict    Code = "conflict"    // the record already says otherwise: an ended run, a held lease, a taken name
	Invalid     Code = "invalid"     // the request is wrong in itself
	Corrupt     Code = "corrupt"     // the file or blob is damaged, or is not what its name says
	TooNew      Code = "too_new"     // written by a later version of this program
	Unavailable Code = "unavailable" // locked, closed, disk full, no permission: the same request may succeed later
	Internal    Code = "internal"    // a fault of the store itself
)

// Error is the code's name.
func (c Code) Error() string { return string(c) }

// Error is what every method of a Store returns on failure.
type Error struct {
	Code    Code
	Message string // what was wrong with which run, field or file, its cause, and what to do
	Err     error  // the cause, or nil
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is this error's code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// Errorf makes an Error with a message as fmt.Errorf makes it; what a %w verb
// names becomes its cause.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// CodeOf is the code of err: "" for nil, and Internal for an error that
// carries none.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
