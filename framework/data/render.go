package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

// record is a row on its way to an Example or a TestItem.
type record struct {
	row    Row
	place  Place
	ex     spec.Example // Fields: what methods may see of a training row
	item   spec.Item    // Fields: what they may see of a test row
	prompt string       // PromptHash of ex.Prompt
}

// PromptHash is the identity of a prompt for the overlap check: the SHA-256 of
// its text with each run of white space (as Unicode defines it) made one space
// and none at the ends. Case, punctuation and Unicode form count.
func PromptHash(prompt string) string {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(prompt), " ")))
	return hex.EncodeToString(sum[:])
}

// renderer makes records of a task's rows.
type renderer struct {
	tf    *TaskFile
	task  spec.Task
	t     *templates
	shown []string // in Item.Fields
	all   []string // in Example.Fields: shown and the answer fields
}

func newRenderer(tf *TaskFile, task spec.Task, t *templates) *renderer {
	r := &renderer{tf: tf, task: task, t: t, shown: t.shownFields(tf)}
	r.all = slices.Concat(r.shown, t.answerFields(tf))
	return r
}

// rows renders the rows of one split, and stops after five that fail.
func (r *renderer) rows(split, prefix string, rows []Row) ([]record, error) {
	out := make([]record, 0, len(rows))
	var ds spec.Diagnostics
	for i, row := range rows {
		rec, err := r.record(split, fmt.Sprintf("%s-%d", prefix, i+1), row)
		if err != nil {
			ds.Add(fmt.Sprintf("%s:%d", row.File, row.Line), err.Error(), "")
			if len(ds) == 5 {
				break
			}
			continue
		}
		out = append(out, rec)
	}
	if len(ds) > 0 {
		if len(ds) == 5 {
			ds.Add("", "stopped after five rows", "")
		}
		return nil, fmt.Errorf("task %s:\n%w", r.task.Name, ds)
	}
	return out, nil
}

func (r *renderer) record(split, id string, row Row) (record, error) {
	if r.tf.Data.ID != "" {
		v, ok := lookup(row.Fields, r.tf.Data.ID)
		if !ok {
			return record{}, fmt.Errorf("data.id names field %q; the row has %s", r.tf.Data.ID, names(row.Fields))
		}
		s, err := text(v)
		if err != nil || s == "" {
			return record{}, fmt.Errorf("the id in field %q is empty or no single value", r.tf.Data.ID)
		}
		id = s
	}
	e := spec.Example{ID: id, Label: -1, Fields: pick(row.Fields, r.all)}
	for _, x := range []struct {
		tpl  *Template
		into *string
	}{{r.t.prompt, &e.Prompt}, {r.t.input, &e.Input}, {r.t.answer, &e.Answer}, {r.t.reasoning, &e.Reasoning}, {r.t.chosen, &e.Chosen}, {r.t.rejected, &e.Rejected}} {
		if x.tpl == nil {
			continue
		}
		var err error
		if *x.into, err = x.tpl.Render(row.Fields); err != nil {
			return record{}, err
		}
		if strings.TrimSpace(*x.into) == "" {
			return record{}, fmt.Errorf("template %s gives an empty text; remove the row or fill in %s", x.tpl.name, strings.Join(x.tpl.Fields(), ", "))
		}
	}
	if r.t.input == nil {
		e.Input = e.Prompt
	}
	if err := r.answer(&e, row.Fields); err != nil {
		return record{}, err
	}
	return record{
		row: row, place: Place{Split: split, ID: id, File: row.File, Line: row.Line}, ex: e,
		item:   spec.Item{ID: id, Fields: pick(row.Fields, r.shown), Prompt: e.Prompt, Input: e.Input, Choices: e.Choices},
		prompt: PromptHash(e.Prompt),
	}, nil
}

// answer fills in Choices and Label, and Answer where no template gives it.
func (r *renderer) answer(e *spec.Example, fields map[string]any) (err error) {
	if r.task.Kind == spec.Preference && e.Answer == "" {
		e.Answer = e.Chosen
	}
	options := r.task.Labels
	if r.task.Choices != "" {
		if e.Choices, err = choices(r.task.Choices, fields); err != nil {
			return err
		}
		options = e.Choices
	}
	if len(options) == 0 {
		return nil
	}
	if r.task.Label == "" {
		if e.Label = slices.Index(options, e.Answer); e.Label < 0 {
			return fmt.Errorf("the answer %q is not among %s", e.Answer, list(options))
		}
		return nil
	}
	v, ok := lookup(fields, r.task.Label)
	if !ok {
		return fmt.Errorf("label names field %q; the row has %s", r.task.Label, names(fields))
	}
	if e.Label, err = labelIndex(v, options); err != nil {
		return fmt.Errorf("field %s: %w", r.task.Label, err)
	}
	if e.Answer == "" {
		e.Answer = options[e.Label]
	}
	return nil
}

func choices(path string, fields map[string]any) ([]string, error) {
	v, ok := lookup(fields, path)
	if !ok {
		return nil, fmt.Errorf("choices names field %q; the row has %s", path, names(fields))
	}
	elements, ok := v.([]any)
	if !ok || len(elements) < 2 {
		return nil, fmt.Errorf("field %s: expected a list of two options or more, found %s", path, describe(v))
	}
	out := make([]string, len(elements))
	for i, e := range elements {
		s, err := text(e)
		if err != nil || s == "" {
			return nil, fmt.Errorf("field %s: option %d is empty or no single value", path, i)
		}
		if at := slices.Index(out[:i], s); at >= 0 {
			return nil, fmt.Errorf("field %s: options %d and %d are both %q", path, at, i, s)
		}
		out[i] = s
	}
	return out, nil
}

// pick is the part of a row that the named fields make.
func pick(fields map[string]any, want []string) map[string]any {
	out := make(map[string]any, len(want))
	for _, k := range want {
		if v, ok := fields[k]; ok {
			out[k] = v
		}
	}
	return out
}
