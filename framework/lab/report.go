package lab

import (
	"context"
	"fmt"
	"io"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// Report is a study's comparison with what its figures need.
type Report struct {
	Record     *Record
	Comparison *compare.Comparison
}

// Report reads a study's runs back and compares them.
func (l *Lab) Report(ctx context.Context, name string) (*Report, error) {
	rec, err := l.Record(name)
	if err != nil {
		return nil, err
	}
	results, err := l.Results(ctx, rec)
	if err != nil {
		return nil, err
	}
	return &Report{Record: rec, Comparison: compare.Compare(results, compare.Options{})}, nil
}

func (r *Report) Write(string) error { return nil }
func (r *Report) JSON(w io.Writer) error { return nil }
func (r *Report) Text(w io.Writer) error {
	for _, row := range r.Comparison.Rows {
		fmt.Fprintf(w, "%-16s", row.Name)
		for _, c := range row.Cells {
			fmt.Fprintf(w, " %s %.3f %v %s", c.State, c.Mean, c.Interval, c.Reason)
		}
		fmt.Fprintln(w)
	}
	return nil
}
