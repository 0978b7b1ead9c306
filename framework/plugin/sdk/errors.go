package sdk

import (
	"errors"

	"github.com/tunelab/tunelab/framework/spec"
)

// ErrStopped is what Run returns after Stop was asked and the state saved.
var ErrStopped = errors.New("stopped as asked")

// Fail makes an error that names the field at fault ("params.rank"), what is
// wrong and what to do.
func Fail(path, summary, detail string) error {
	return spec.Diagnostics{{Severity: "error", Path: path, Summary: summary, Detail: detail}}
}

// diagnostics turns any error into what travels to the host.
func diagnostics(err error) spec.Diagnostics {
	var ds spec.Diagnostics
	if errors.As(err, &ds) {
		return ds
	}
	return spec.Diagnostics{{Severity: "error", Summary: err.Error()}}
}
