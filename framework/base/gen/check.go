package gen

import (
	"fmt"
	"iter"
	"strings"
)

// RenderPrompt fills the {field} places of a task's prompt from a row. It
// knows strings only, which is all that these prompts use.
func (t Task) RenderPrompt(r Row) string { return fill(t.Prompt, r) }

func fill(template string, r Row) string {
	for k, v := range r {
		// Each place is filled once and no value holds braces, so that the
		// order of the map does not matter.
		if x, ok := v.(string); ok {
			template = strings.ReplaceAll(template, "{"+k+"}", x)
		}
	}
	return template
}

// askedField names the field that makes a row's prompt its own.
func (t Task) askedField() string {
	for _, f := range []string{"question", "text", "prompt"} {
		if strings.Contains(t.Prompt, "{"+f+"}") {
			return f
		}
	}
	return ""
}

// indexed is how many leading bytes of a text Check looks documents up by; no
// text that it looks for is shorter.
const indexed = 16

// Check proves that the tasks are disjoint from themselves and from the given
// documents: no prompt stands twice in a task, in one split or in two, and
// what a prompt asks (its question, review or instruction) stands verbatim in
// no document. The error names the task, split, row and document.
func Check(tasks []Task, documents iter.Seq[string]) error {
	type place struct {
		text, where string
	}
	byStart := map[string][]place{}
	for _, t := range tasks {
		first := map[string]string{}
		for _, split := range []string{Train, Validation, Test} {
			rows, err := t.Split(split)
			if err != nil {
				return err
			}
			for i, r := range rows {
				where := fmt.Sprintf("task %s, %s row %d", t.Name, split, i)
				prompt := t.RenderPrompt(r)
				if other, ok := first[prompt]; ok {
					return fmt.Errorf("gen: %s: prompt %q stands in %s too; draw one of them anew", where, prompt, other)
				}
				first[prompt] = where
				asked, _ := r[t.askedField()].(string)
				if len(asked) < indexed {
					return fmt.Errorf("gen: %s: field %q holds %q, too short to tell from other text; want %d bytes or more", where, t.askedField(), asked, indexed)
				}
				byStart[asked[:indexed]] = append(byStart[asked[:indexed]], place{asked, where})
			}
		}
	}
	n := 0
	for d := range documents {
		for i := 0; i+indexed <= len(d); i++ {
			for _, p := range byStart[d[i:i+indexed]] {
				if strings.HasPrefix(d[i:], p.text) {
					return fmt.Errorf("gen: %s: %q stands verbatim in document %d of the corpus; hold it out of one of them", p.where, p.text, n)
				}
			}
		}
		n++
	}
	return nil
}
