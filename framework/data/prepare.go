package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tunelab/tunelab/framework/spec"
)

// Prepare reads a task's data, renders it, splits it, checks the splits
// against each other and hashes the result. Every error names the file and
// line, or the field of the task file.
func Prepare(tf *TaskFile) (*Prepared, error) {
	if err := tf.Check(); err != nil {
		return nil, err
	}
	src, err := readSource(tf)
	if err != nil {
		return nil, err
	}
	return prepare(tf, src)
}

// FromRows is Prepare for rows in memory, as embedded tasks have them; tf.Data
// needs no files. Values are what JSON can hold. With no validation rows they
// are taken from train, as tf.Data.ValidationFraction says.
func FromRows(tf *TaskFile, train, validation, test []map[string]any) (*Prepared, error) {
	if err := tf.checkTask(); err != nil {
		return nil, err
	}
	var src source
	var err error
	for _, s := range []struct {
		split string
		rows  []map[string]any
		into  *[]Row
	}{{SplitTrain, train, &src.train}, {SplitValidation, validation, &src.validation}, {SplitTest, test, &src.test}} {
		if *s.into, err = memoryRows(tf.Name+" "+s.split, s.rows); err != nil {
			return nil, err
		}
	}
	return prepare(tf, src)
}

func prepare(tf *TaskFile, src source) (*Prepared, error) {
	t, err := tf.compile()
	if err != nil {
		return nil, err
	}
	task := tf.withDefaults()
	if task.Kind == spec.Classification && len(task.Labels) == 0 {
		if task.Label == "" {
			return nil, fmt.Errorf("task %s: labels: it is missing; list them, or name the field that holds them in label", task.Name)
		}
		known := src.train
		if src.file != nil {
			known = src.file
		}
		if task.Labels, err = findLabels(task, known); err != nil {
			return nil, fmt.Errorf("task %s: %w", task.Name, err)
		}
	}
	p := &Prepared{Task: task, Gold: tf.Gold, Overlap: Overlap{Mode: tf.Overlap, Duplicates: map[string]int{}}}
	if p.Overlap.Mode == "" {
		p.Overlap.Mode = OverlapError
	}
	if err := sectionsExist(task.Name, t, src); err != nil {
		return nil, err
	}
	s, err := makeSplits(tf, newRenderer(tf, task, t), src, &p.Overlap)
	if err != nil {
		return nil, err
	}
	if err := checkOverlap(&s, &p.Overlap); err != nil {
		return nil, fmt.Errorf("task %s: %w", task.Name, err)
	}
	contamination(&s, &p.Overlap)
	p.fill(s)
	return p, p.seal()
}

// makeSplits renders and splits a task's rows and checks their ids.
func makeSplits(tf *TaskFile, r *renderer, src source, o *Overlap) (s splits, err error) {
	fail := func(err error) (splits, error) { return s, fmt.Errorf("task %s: %w", tf.Name, err) }
	if src.file != nil {
		all, err := r.rows("file", "row", src.file)
		if err != nil {
			return s, err
		}
		o.Duplicates["file"] = repeats(all)
		if s, err = divide(all, tf.Data.split()); err != nil {
			return fail(err)
		}
	} else {
		if len(src.train) == 0 || len(src.test) == 0 {
			return fail(fmt.Errorf("%d training and %d test rows; both splits need some", len(src.train), len(src.test)))
		}
		for _, x := range []struct {
			split string
			rows  []Row
			into  *[]record
		}{{SplitTrain, src.train, &s.train}, {SplitValidation, src.validation, &s.validation}, {SplitTest, src.test, &s.test}} {
			if *x.into, err = r.rows(x.split, x.split, x.rows); err != nil {
				return s, err
			}
		}
	}
	// before the validation split is taken: what stands twice in a file
	o.Duplicates[SplitTrain], o.Duplicates[SplitValidation], o.Duplicates[SplitTest] = repeats(s.train), repeats(s.validation), repeats(s.test)
	fraction := tf.Data.ValidationFraction
	if fraction == 0 && !tf.Given["data.validation_fraction"] {
		fraction = 0.1
	}
	if len(s.validation) == 0 && fraction > 0 {
		if s.train, s.validation, err = carve(s.train, fraction, tf.Data.split().Seed); err != nil {
			return fail(err)
		}
	}
	seen := map[string]Place{}
	for _, part := range [][]record{s.train, s.validation, s.test} {
		for _, rec := range part {
			if first, twice := seen[rec.place.ID]; twice {
				return fail(fmt.Errorf("%s and %s: the id %q stands twice; data.id must name a field that is unique over all splits", first, rec.place, rec.place.ID))
			}
			seen[rec.place.ID] = rec.place
			if rec.ex.Chosen != "" && rec.ex.Chosen == rec.ex.Rejected {
				o.SamePair++
			}
		}
	}
	return s, nil
}

// sectionsExist refuses a template section on a field that no row has: a
// misspelt name would otherwise leave the section out everywhere.
func sectionsExist(task string, t *templates, src source) error {
	for _, tpl := range []*Template{t.prompt, t.input, t.answer, t.reasoning, t.chosen, t.rejected} {
	next:
		for _, path := range tpl.sections() {
			var last map[string]any
			for _, rows := range [][]Row{src.train, src.validation, src.test, src.file} {
				for _, r := range rows {
					if _, ok := lookup(r.Fields, path); ok {
						continue next
					}
					last = r.Fields
				}
			}
			return fmt.Errorf("task %s: template %s: the section's field %q stands in no row; rows have %s", task, tpl.name, path, names(last))
		}
	}
	return nil
}

// fill turns the splits into what a run takes.
func (p *Prepared) fill(s splits) {
	p.fields = map[string]map[string]any{}
	for _, r := range s.train {
		p.Train = append(p.Train, r.ex)
		p.fields[r.place.ID] = r.row.Fields
	}
	for _, r := range s.validation {
		p.Validation = append(p.Validation, r.ex)
		p.held = append(p.held, r.testItem())
		p.fields[r.place.ID] = r.row.Fields
	}
	overlapping := map[string]bool{}
	for _, id := range p.Overlap.TestIDs {
		overlapping[id] = true
	}
	for _, r := range s.test {
		it := r.testItem()
		it.Overlap = overlapping[r.place.ID]
		p.Test = append(p.Test, it)
		p.fields[r.place.ID] = r.row.Fields
	}
}

func (r record) testItem() TestItem {
	return TestItem{Item: r.item, Answer: r.ex.Answer, Label: r.ex.Label, Chosen: r.ex.Chosen, Rejected: r.ex.Rejected, Fields: r.row.Fields}
}

// seal computes the hashes of the test items and of the whole.
func (p *Prepared) seal() error {
	h := sha256.New()
	add := func(v any) error {
		b, err := spec.Canonical(v)
		if err != nil {
			return fmt.Errorf("task %s: %w", p.Task.Name, err)
		}
		h.Write(append(b, '\n'))
		return nil
	}
	if err := add(p.Task); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		rows []spec.Example
	}{{SplitTrain, p.Train}, {SplitValidation, p.Validation}} {
		h.Write([]byte(part.name + "\n"))
		for i := range part.rows {
			if err := add(part.rows[i]); err != nil {
				return err
			}
		}
	}
	h.Write([]byte(SplitTest + "\n"))
	for _, items := range [][]TestItem{p.held, p.Test} {
		for i := range items {
			it := &items[i]
			sum, err := spec.Hash(map[string]any{"item": it.Item, "answer": it.Answer, "label": it.Label, "chosen": it.Chosen, "rejected": it.Rejected})
			if err != nil {
				return fmt.Errorf("task %s, item %s: %w", p.Task.Name, it.Item.ID, err)
			}
			it.Hash = sum
			h.Write([]byte(sum + "\n"))
		}
	}
	p.Hash = hex.EncodeToString(h.Sum(nil))
	return nil
}
