package data

import (
	"errors"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

// templates are a task's templates, parsed. A template that the task leaves
// out is nil.
type templates struct {
	prompt, input, answer, reasoning, chosen, rejected *Template
}

func (tf *TaskFile) compile() (*templates, error) {
	var t templates
	var errs []error
	for _, x := range []struct {
		name, src string
		into      **Template
	}{
		{"prompt", tf.Prompt, &t.prompt}, {"input", tf.Input, &t.input}, {"answer", tf.Answer, &t.answer},
		{"reasoning", tf.Reasoning, &t.reasoning}, {"chosen", tf.Chosen, &t.chosen}, {"rejected", tf.Rejected, &t.rejected},
	} {
		if x.src == "" {
			continue
		}
		parsed, err := ParseTemplate(x.name, x.src)
		if err != nil {
			errs = append(errs, err)
		}
		*x.into = parsed
	}
	return &t, errors.Join(errs...)
}

// Fields are the paths of every field a template names, in order, each once;
// none for a nil template.
func (t *Template) Fields() []string { return t.collect(func(node) bool { return true }) }

// whole are the fields that the template shows unfiltered.
func (t *Template) whole() []string {
	return t.collect(func(n node) bool { return n.section == 0 && len(n.filters) == 0 })
}

// sections are the fields that decide whether a section is shown.
func (t *Template) sections() []string {
	out := t.collect(func(n node) bool { return n.section != 0 })
	if t == nil {
		return nil
	}
	for _, n := range t.nodes {
		if n.section == '[' {
			for _, f := range (&Template{nodes: n.inner}).Fields() {
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

func (t *Template) collect(want func(node) bool) (out []string) {
	if t == nil {
		return nil
	}
	var walk func([]node)
	walk = func(nodes []node) {
		for _, n := range nodes {
			if n.path != "" && want(n) && !slices.Contains(out, n.path) {
				out = append(out, n.path)
			}
			walk(n.inner)
		}
	}
	walk(t.nodes)
	return out
}

// answerFields are the row fields that methods must not see with test items:
// those that answer, label, reasoning, chosen and rejected are made of, unless
// the prompt or the input shows the whole field anyway.
func (t *templates) answerFields(tf *TaskFile) (out []string) {
	shown := slices.Concat(t.prompt.whole(), t.input.whole())
	add := func(paths ...string) {
		for _, p := range paths {
			if p != "" && !slices.Contains(shown, p) && !slices.Contains(out, top(p)) {
				out = append(out, top(p))
			}
		}
	}
	add(tf.Label)
	for _, tpl := range []*Template{t.answer, t.reasoning, t.chosen, t.rejected} {
		add(tpl.Fields()...)
	}
	return out
}

// shownFields are the row fields that go into Item.Fields: those that prompt,
// input and choices are made of and data.fields adds, less the answer fields.
// Everything else in a row (another column with the answer in words, say)
// stays with the host.
func (t *templates) shownFields(tf *TaskFile) (out []string) {
	hidden := t.answerFields(tf)
	for _, p := range slices.Concat(t.prompt.Fields(), t.input.Fields(), []string{tf.Choices}, tf.Data.Fields) {
		if p != "" && !slices.Contains(hidden, top(p)) && !slices.Contains(out, top(p)) {
			out = append(out, top(p))
		}
	}
	return out
}

// top is the row field that a path starts at.
func top(path string) string {
	name, _, _ := strings.Cut(path, ".")
	return name
}

// withDefaults is the task as methods get it.
func (tf *TaskFile) withDefaults() spec.Task {
	t := tf.Task
	if t.Delimiter == "" && !tf.Given["delimiter"] {
		t.Delimiter = " "
	}
	if t.Separator == "" && !tf.Given["separator"] {
		t.Separator = "\n\n"
	}
	if t.MaxNew == 0 {
		t.MaxNew = 64
	}
	if t.Input == "" {
		t.Input = t.Prompt
	}
	if t.Metric == "" {
		t.Metric = DefaultMetric(t.Kind, tf.Gold != "")
	}
	if t.Kind == spec.Preference && t.Answer == "" {
		t.Answer = t.Chosen
	}
	return t
}
