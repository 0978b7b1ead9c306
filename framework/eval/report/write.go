package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// Write leaves the whole report in dir, which it makes if need be:
// report.html, table.md, table.csv, costs.csv, claims.csv, results.json and
// figures/NAME.svg and .png. Each file appears whole or not at all, and
// replaces the one of an earlier report; curves of a task that is no longer in
// the study stay.
func Write(dir string, c *compare.Comparison, in Inputs) error {
	figures, err := Figures(c, in.Curves)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "figures"), 0o755); err != nil {
		return fmt.Errorf("make the report's folder: %w", err)
	}
	for _, f := range figures {
		for ending, data := range map[string][]byte{".svg": f.SVG, ".png": f.PNG} {
			if err := replace(filepath.Join(dir, "figures", f.Name+ending), data); err != nil {
				return err
			}
		}
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"table.md", func(w io.Writer) error { return Markdown(w, c) }},
		{"table.csv", func(w io.Writer) error { return ScoresCSV(w, c) }},
		{"costs.csv", func(w io.Writer) error { return CostsCSV(w, c) }},
		{"claims.csv", func(w io.Writer) error { return ClaimsCSV(w, c) }},
		{"results.json", func(w io.Writer) error { return JSON(w, c, in) }},
		{"report.html", func(w io.Writer) error { return HTML(w, c, in, figures) }},
	} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := replace(filepath.Join(dir, f.name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Figures draws all that there is to draw: scores, cost, and curves by task.
func Figures(c *compare.Comparison, curves []Curve) ([]*Figure, error) {
	var out []*Figure
	for _, draw := range []func(*compare.Comparison) (*Figure, error){ScoresFigure, CostFigure} {
		f, err := draw(c)
		if err != nil {
			return nil, err
		}
		if f != nil {
			out = append(out, f)
		}
	}
	more, err := CurveFigures(c, curves)
	return append(out, more...), err
}

// replace writes a temporary file beside path and renames it.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
