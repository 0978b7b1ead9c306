package conformance

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Outcomes of a check.
const (
	Pass          = "pass"
	Fail          = "fail"
	NotApplicable = "not applicable"
)

// Result is the outcome of one check.
type Result struct {
	Check   string  `json:"check"`
	About   string  `json:"about"`             // what is demanded
	Outcome string  `json:"outcome"`           // Pass, Fail or NotApplicable
	Found   string  `json:"found,omitempty"`   // what was seen instead, or why it does not apply
	Advice  string  `json:"advice,omitempty"`  // of a failure: what to do
	Seconds float64 `json:"seconds,omitempty"` // that the check took
}

// Report is what Run found out.
type Report struct {
	Binary  string   `json:"binary"`
	SHA256  string   `json:"sha256,omitempty"`
	Method  string   `json:"method,omitempty"`
	Version string   `json:"version,omitempty"`
	Results []Result `json:"results"`
}

// Failed lists the checks that failed.
func (r *Report) Failed() []Result { return r.with(Fail) }

func (r *Report) with(outcome string) (out []Result) {
	for _, x := range r.Results {
		if x.Outcome == outcome {
			out = append(out, x)
		}
	}
	return out
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) {
	name := strings.TrimSpace(r.Method + " " + r.Version)
	if name == "" {
		name = r.Binary
	}
	fmt.Fprintf(w, "conformance of %s\n", name)
	for _, x := range r.Results {
		fmt.Fprintf(w, "  %-15s %-17s %s\n", x.Outcome, x.Check, x.About)
		if x.Found != "" {
			fmt.Fprintf(w, "  %15s %s\n", "", indent(x.Found))
		}
		if x.Advice != "" {
			fmt.Fprintf(w, "  %15s what to do: %s\n", "", indent(x.Advice))
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d not applicable\n", len(r.with(Pass)), len(r.Failed()), len(r.with(NotApplicable)))
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", 18)) }

// inapplicable is the reason why a check cannot be made.
type inapplicable string

func (e inapplicable) Error() string { return string(e) }

// DoesNotApply is, among Options.Inside, the reason why a check cannot be made.
func DoesNotApply(reason string) error { return inapplicable(reason) }

// IsInapplicable tells such a reason from a fault.
func IsInapplicable(err error) bool {
	var na inapplicable
	return errors.As(err, &na)
}

func notApplicable(format string, args ...any) error {
	return inapplicable(fmt.Sprintf(format, args...))
}
