package data

import (
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

// An item carries no field that an answer is made of, unless the prompt shows
// the whole of it anyway.
func TestHiddenFieldsOfEveryKind(t *testing.T) {
	many := func(n int, tag string) (out rows) {
		for i := range n {
			k := tag + strings.Repeat("i", i+1)
			out = append(out, map[string]any{"q": "q " + k, "a": "steps " + k + " #### 5", "good": "g", "bad": "b", "word": k, "opts": []string{"x", "y"}, "right": 1})
		}
		return out
	}
	for _, c := range []struct {
		task spec.Task
		want string // of Item.Fields
	}{
		{spec.Task{Kind: spec.Classification, Prompt: "{q}", Label: "right", Labels: []string{"no", "yes"}}, "q"},
		{spec.Task{Kind: spec.Generation, Prompt: "{q}", Answer: "{a|after:####}", Reasoning: "{a|before:####}"}, "q"},
		{spec.Task{Kind: spec.Generation, Prompt: "{q} {a|before:####}", Answer: "{a|after:####}"}, "q"},
		{spec.Task{Kind: spec.Generation, Prompt: "Repeat {word}", Answer: "{word}"}, "word"},
		{spec.Task{Kind: spec.Generation, Prompt: "{q}", Choices: "opts", Label: "right"}, "opts, q"},
		{spec.Task{Kind: spec.Instruction, Prompt: "{q}[[ {word}]]", Answer: "{a}"}, "q, word"},
		{spec.Task{Kind: spec.Preference, Prompt: "{q}", Chosen: "{good}", Rejected: "{bad}"}, "q"},
	} {
		c.task.Name = "t"
		p, err := FromRows(&TaskFile{Task: c.task}, many(10, "a"), nil, many(2, "b"))
		if err != nil {
			t.Errorf("%s: %v", c.task.Kind, err)
			continue
		}
		for _, it := range append(ValidationItems(p), p.Test...) {
			if got := names(it.Item.Fields); got != c.want {
				t.Errorf("%s %s: items carry %s, want %s", c.task.Kind, c.task.Prompt, got, c.want)
			}
		}
		if len(p.Train) != 9 || len(p.Validation) != 1 || len(p.Test) != 2 {
			t.Errorf("%s: %d train, %d validation, %d test", c.task.Kind, len(p.Train), len(p.Validation), len(p.Test))
		}
		if c.task.Choices != "" && (p.Test[0].Label != 1 || p.Test[0].Answer != "y") {
			t.Errorf("choices: %+v", p.Test[0])
		}
		if k := p.Task; k.Delimiter != " " || k.Separator != "\n\n" || k.MaxNew != 64 || k.Input != k.Prompt {
			t.Errorf("defaults: %+v", k)
		}
	}
	leak := &TaskFile{Task: spec.Task{Name: "t", Kind: spec.Preference, Prompt: "{q} {good}", Chosen: "{good}", Rejected: "{bad}"}}
	_, err := FromRows(leak, many(10, "a"), nil, many(2, "b"))
	wants(t, err, `shows field "good"`, "chosen")
	typo := &TaskFile{Task: spec.Task{Name: "t", Kind: spec.Generation, Prompt: "{q}[[ {contxt}]]", Answer: "{a}"}}
	_, err = FromRows(typo, many(10, "a"), nil, many(2, "b"))
	wants(t, err, "template prompt", `"contxt" stands in no row`)
}
