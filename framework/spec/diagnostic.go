package spec

import "strings"

// Diagnostic is one finding about a configuration, with the path of the field
// at fault ("params.rank", "tasks[0].data.test") and what to do about it.
type Diagnostic struct {
	Severity string `json:"severity"` // "error" or "warning"
	Path     string `json:"path,omitempty"`
	Summary  string `json:"summary"`          // what is wrong
	Detail   string `json:"detail,omitempty"` // what to do
}

func (d Diagnostic) String() string {
	s := d.Summary
	if d.Path != "" {
		s = d.Path + ": " + s
	}
	if d.Detail != "" {
		s += "; " + d.Detail
	}
	return s
}

// Diagnostics is a list of findings; as an error it prints them one a line.
type Diagnostics []Diagnostic

// Add appends a finding of severity "error".
func (ds *Diagnostics) Add(path, summary, detail string) {
	*ds = append(*ds, Diagnostic{Severity: "error", Path: path, Summary: summary, Detail: detail})
}

// Error joins the findings, one a line.
func (ds Diagnostics) Error() string {
	lines := make([]string, len(ds))
	for i, d := range ds {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Err is ds as an error when it holds one of severity "error", and nil else.
func (ds Diagnostics) Err() error {
	for _, d := range ds {
		if d.Severity == "error" {
			return ds
		}
	}
	return nil
}
