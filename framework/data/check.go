package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

var kinds = []string{spec.Classification, spec.Generation, spec.Instruction, spec.Preference}

// DefaultMetric is the metric of a task that names none; the names are those
// of framework/eval.
func DefaultMetric(kind string, gold bool) string {
	switch {
	case kind == spec.Classification:
		return "accuracy"
	case kind == spec.Generation:
		return "exact_match"
	case kind == spec.Instruction:
		return "completion_loss"
	case gold:
		return "win_rate"
	}
	return "reward_accuracy"
}

// Check reports every mistake of the task file that shows without its data.
func (tf *TaskFile) Check() error {
	ds := tf.taskMistakes()
	d := tf.Data
	switch {
	case d.File == "" && d.Train == "" && d.Test == "":
		ds.Add("data", "no data is named", "give train and test (and validation) files, or file with split")
	case d.File != "" && (d.Train != "" || d.Validation != "" || d.Test != ""):
		ds.Add("data.file", "it stands beside train, validation or test", "give either one file to split, or a file for each split")
	case d.File == "" && d.Train == "":
		ds.Add("data.train", "no training file", "name one")
	case d.File == "" && d.Test == "":
		ds.Add("data.test", "no test file", "name one, or give data.file with data.split to divide one file")
	}
	if d.File == "" && d.Split != nil && (d.Split.Train != 0 || d.Split.Validation != 0 || d.Split.Test != 0) {
		ds.Add("data.split", "fractions without data.file to divide", "name data.file, or remove the fractions")
	}
	if d.Format != "" && !slices.Contains(Formats, d.Format) {
		ds.Add("data.format", fmt.Sprintf("%q is not a format", d.Format), "choose "+strings.Join(Formats, ", ")+", or leave it out to go by the file's ending")
	}
	return tf.mistakes(ds)
}

// checkTask is Check for a task whose rows are in memory.
func (tf *TaskFile) checkTask() error { return tf.mistakes(tf.taskMistakes()) }

func (tf *TaskFile) mistakes(ds spec.Diagnostics) error {
	if err := ds.Err(); err != nil {
		if tf.Path == "" {
			return fmt.Errorf("task %s:\n%w", tf.Name, err)
		}
		return fmt.Errorf("task file %s:\n%w", tf.Path, err)
	}
	return nil
}

func (tf *TaskFile) taskMistakes() (ds spec.Diagnostics) {
	if !slices.Contains(kinds, tf.Kind) {
		ds.Add("kind", fmt.Sprintf("%q is not a kind of task", tf.Kind), "choose "+strings.Join(kinds, ", "))
	}
	need := func(field, value, why string) {
		if value == "" {
			ds.Add(field, "it is missing", why)
		}
	}
	need("name", tf.Name, "give the task a name")
	need("prompt", tf.Prompt, "give the template of the question, such as \"Question: {question}\\nAnswer:\"")
	switch tf.Kind {
	case spec.Classification:
		if tf.Label == "" && tf.Answer == "" {
			ds.Add("label", "it is missing", "name the field that holds the label")
		}
	case spec.Generation:
		if tf.Answer == "" && (tf.Label == "" || tf.Choices == "") {
			ds.Add("answer", "it is missing", "give the template of the answer, such as \"{answer}\"; or choices with label, the index of the right one")
		}
	case spec.Instruction:
		need("answer", tf.Answer, "give the template of the completion, such as \"{output}\"")
	case spec.Preference:
		need("chosen", tf.Chosen, "give the template of the better response, such as \"{chosen}\"")
		need("rejected", tf.Rejected, "give the template of the worse response, such as \"{rejected}\"")
	}
	if tf.Kind != spec.Classification && len(tf.Labels) > 0 {
		ds.Add("labels", "only a classification task has labels", "remove them, or set kind: classification")
	}
	if tf.Kind != spec.Generation && tf.Choices != "" {
		ds.Add("choices", "only a generation task has options of its own in each row", "remove it, or set kind: generation; the options that all rows share are labels")
	}
	if tf.Kind == spec.Classification && len(tf.Labels) == 1 {
		ds.Add("labels", "one label leaves nothing to decide", "list every label, in the order of their indices")
	}
	for i, l := range tf.Labels {
		if l == "" || slices.Index(tf.Labels, l) != i {
			ds.Add(fmt.Sprintf("labels[%d]", i), fmt.Sprintf("%q is empty or stands twice", l), "give each label a name of its own")
		}
	}
	switch tf.Overlap {
	case "", OverlapError, OverlapReport, OverlapDrop:
	default:
		ds.Add("overlap", fmt.Sprintf("%q is not a choice", tf.Overlap), "choose error, report or drop")
	}
	tf.numberMistakes(&ds)
	if t, err := tf.compile(); err != nil {
		for _, e := range flatten(err) {
			ds.Add("", e.Error(), "")
		}
	} else {
		tf.leaks(&ds, t)
	}
	return ds
}

func (tf *TaskFile) numberMistakes(ds *spec.Diagnostics) {
	if tf.MaxNew < 0 {
		ds.Add("max_new_tokens", fmt.Sprintf("%d is below 0", tf.MaxNew), "use 0 for the default of 64")
	}
	if tf.MaxLength < 0 {
		ds.Add("max_length", fmt.Sprintf("%d is below 0", tf.MaxLength), "use 0 for the model's context")
	}
	if f := tf.Data.ValidationFraction; !(f >= 0 && f < 1) {
		ds.Add("data.validation_fraction", fmt.Sprintf("%g is not in [0, 1)", f), "0.1 takes a tenth of the training rows")
	}
	s := tf.Data.split()
	for _, p := range []struct {
		name string
		f    float64
	}{{"train", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		if !(p.f >= 0 && p.f < 1) {
			ds.Add("data.split."+p.name, fmt.Sprintf("%g is not in [0, 1)", p.f), "give fractions of the file")
		}
	}
	if sum := s.Train + s.Validation + s.Test; sum != 0 && !(math.Abs(sum-1) <= 1e-6) {
		ds.Add("data.split", fmt.Sprintf("the fractions sum to %g", sum), "make train, validation and test sum to 1")
	} else if sum != 0 && (s.Train == 0 || s.Test == 0) {
		ds.Add("data.split", "the train or the test fraction is 0", "both need rows")
	}
}

// leaks refuses a prompt that shows a whole field that the answer is made of.
// The answer field of generation and instruction tasks may be shown: "Repeat
// {word}" has its answer in the prompt and is a task all the same.
func (tf *TaskFile) leaks(ds *spec.Diagnostics, t *templates) {
	hidden := map[string]string{}
	hide := func(field string, tpl *Template) {
		for _, f := range tpl.whole() {
			hidden[f] = field
		}
	}
	if tf.Label != "" {
		hidden[tf.Label] = "label"
	}
	hide("reasoning", t.reasoning)
	hide("chosen", t.chosen)
	hide("rejected", t.rejected)
	if tf.Kind == spec.Classification || tf.Kind == spec.Preference {
		hide("answer", t.answer)
	}
	for _, shown := range []*Template{t.prompt, t.input} {
		for _, f := range shown.whole() {
			if by, ok := hidden[f]; ok {
				ds.Add(shown.name, fmt.Sprintf("it shows field %q, which %s is made of", f, by), "take the answer out of the "+shown.name)
			}
		}
	}
	for i, f := range tf.Data.Fields {
		if slices.Contains(t.answerFields(tf), top(f)) {
			ds.Add(fmt.Sprintf("data.fields[%d]", i), fmt.Sprintf("field %q holds answers", f), "methods must not see it with test items; remove it")
		}
	}
}

// flatten takes errors.Join apart.
func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}
