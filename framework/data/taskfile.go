package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tunelab/tunelab/framework/spec"
)

// What to do with a prompt that stands verbatim in two splits.
const (
	OverlapError  = "error"  // default: refuse the task and name the first pairs
	OverlapReport = "report" // keep every row; TestItem.Overlap marks the test items
	OverlapDrop   = "drop"   // drop the copy on the training side; the test split stays whole
)

// TaskFile is one task as a file: how it is asked (the inlined [spec.Task])
// and where its data lies. TASKS.md documents each field.
type TaskFile struct {
	spec.Task `yaml:",inline"`

	Description string `yaml:"description" json:"description,omitempty"` // for people
	Data        Data   `yaml:"data" json:"data"`                         // where the rows are
	Gold        string `yaml:"gold" json:"gold,omitempty"`               // name of a registered gold reward, for win_rate
	Overlap     string `yaml:"overlap" json:"overlap,omitempty"`         // OverlapError (default), OverlapReport or OverlapDrop

	Path string `yaml:"-" json:"path,omitempty"` // of the task file; data paths start at its folder

	// Given holds the keys that stood in the file ("delimiter",
	// "data.validation_fraction"): a key that was given keeps its zero value
	// where it would otherwise get a default. A task made in code may set it.
	Given map[string]bool `yaml:"-" json:"-"`
}

// Data says where a task's rows are: in files for each split, or in one file
// that a seeded split divides.
type Data struct {
	Train      string `yaml:"train" json:"train,omitempty"`
	Validation string `yaml:"validation" json:"validation,omitempty"` // default: taken from train, see ValidationFraction
	Test       string `yaml:"test" json:"test,omitempty"`
	File       string `yaml:"file" json:"file,omitempty"`     // instead of the three: one file for Split to divide
	Format     string `yaml:"format" json:"format,omitempty"` // json, jsonl, csv, tsv or parquet; default: by the file's ending
	Split      *Split `yaml:"split" json:"split,omitempty"`   // of File

	ValidationFraction float64 `yaml:"validation_fraction" json:"validation_fraction,omitempty"` // of train, when no validation file is named; default 0.1; 0 when given: no validation split

	ID     string   `yaml:"id" json:"id,omitempty"`         // field with a unique id; default: split and row number
	Fields []string `yaml:"fields" json:"fields,omitempty"` // further fields that methods may see; default: those the templates use
}

// Split divides Data.File. The fractions sum to 1; all zero means 0.8, 0.1, 0.1.
type Split struct {
	Train      float64 `yaml:"train" json:"train,omitempty"`
	Validation float64 `yaml:"validation" json:"validation,omitempty"`
	Test       float64 `yaml:"test" json:"test,omitempty"`
	Seed       int64   `yaml:"seed" json:"seed,omitempty"` // of the data, not of a run: every run gets the same split; default 0
}

// LoadTask reads a task file. An unknown field is an error with its path,
// line and the fields that exist.
func LoadTask(path string) (*TaskFile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the task file: %w", err)
	}
	tf, err := ParseTask(raw, path)
	if err != nil {
		return nil, err
	}
	if err := tf.Check(); err != nil {
		return nil, err
	}
	return tf, nil
}

// ParseTask is LoadTask without reading the file and without Check; path is
// used in errors and as the place that data paths start at.
func ParseTask(raw []byte, path string) (*TaskFile, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("%s:1: the task file is empty; TASKS.md shows what one holds", path)
	}
	var doc yaml.Node
	if err := yaml.Load(raw, &doc); err != nil {
		return nil, fmt.Errorf("task file %s is not valid YAML: %w", path, err)
	}
	given, unknown := knownFields(&doc)
	if len(unknown) > 0 {
		lines := make([]string, len(unknown))
		for i, u := range unknown {
			lines[i] = fmt.Sprintf("%s:%d: %s", path, u.line, u.text)
		}
		return nil, errors.New(strings.Join(lines, "\n"))
	}
	tf := &TaskFile{Path: path, Given: given}
	if err := yaml.Load(raw, tf); err != nil {
		return nil, fmt.Errorf("task file %s: %w; TASKS.md lists the fields with their types", path, err)
	}
	if tf.Name == "" {
		tf.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return tf, nil
}

// resolve gives a data path as the task file means it.
func (tf *TaskFile) resolve(p string) string {
	if filepath.IsAbs(p) || tf.Path == "" {
		return p
	}
	return filepath.Join(filepath.Dir(tf.Path), p)
}
