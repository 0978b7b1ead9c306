package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Skipped is a cell of the table that no run can fill.
type Skipped struct {
	Method string `json:"method"`
	Label  string `json:"label"`
	Task   string `json:"task"`
	Reason string `json:"reason"`
}

// Cell is one method on one task with one seed, and the run that fills it.
type Cell struct {
	Label    string `json:"label"`
	Method   string `json:"method"`
	Task     string `json:"task"`
	Seed     int64  `json:"seed"`
	Run      string `json:"run,omitempty"`    // of a chain the last stage; empty: none was started
	Reason   string `json:"reason,omitempty"` // why none was started
	Baseline bool   `json:"baseline,omitempty"`
}

// Record is what a study leaves beside its runs: itself, which run fills
// which cell, and what did not apply. It lies in the state folder under
// studies/.
type Record struct {
	Study   Study     `json:"study"`
	Cells   []Cell    `json:"cells,omitempty"`
	Skipped []Skipped `json:"skipped,omitempty"`
}

func (l *Lab) recordPath(name string) string {
	return filepath.Join(l.Dir, "studies", filepath.Base(name)+".json")
}

// remember writes the study's record, whole or not at all.
func (l *Lab) remember(r *Record) error {
	path := l.recordPath(r.Study.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the study's record: %w", err)
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	err = checkpoint.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the study's record: %w", err)
	}
	return nil
}

// Record reads back what the study of that name left.
func (l *Lab) Record(name string) (*Record, error) {
	raw, err := os.ReadFile(l.recordPath(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no study %q has run in %s; there is: %s", name, l.Dir, strings.Join(l.Studies(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read the study's record: %w", err)
	}
	r := &Record{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("%s: %w", l.recordPath(name), err)
	}
	return r, nil
}

// Studies lists the names of the studies that have run.
func (l *Lab) Studies() []string {
	files, _ := filepath.Glob(filepath.Join(l.Dir, "studies", "*.json"))
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return out
}
