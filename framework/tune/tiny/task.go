package tiny

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/spec"
)

// Data is a task with its examples.
type Data struct {
	Task       spec.Task
	Train      []spec.Example
	Validation []spec.Example
}

// split takes every fourth example for validation.
func (d *Data) split(all []spec.Example) {
	for i, e := range all {
		e.ID = fmt.Sprintf("e%d", i)
		if i%4 == 3 {
			d.Validation = append(d.Validation, e)
		} else {
			d.Train = append(d.Train, e)
		}
	}
}

// Classification is a two-class task that a word decides: 24 training and 8
// validation examples.
func Classification() Data {
	d := Data{Task: spec.Task{Name: "colours", Kind: spec.Classification, Prompt: "Text: {text}\nLabel:", Input: "{text}",
		Answer: "{label}", Delimiter: " ", Separator: "\n\n", Label: "label", Labels: []string{"red", "blue"}, Metric: "accuracy", MaxNew: 4}}
	words := [2][]string{{"fire", "rose", "blood", "cherry"}, {"sky", "sea", "ice", "rain"}}
	var all []spec.Example
	for i := range 32 {
		label := i / 2 % 2
		text := fmt.Sprintf("%s %s the %s", []string{"see", "take"}[i%2], []string{"now", "all", "here", "then"}[i/8], words[label][i/4%4])
		all = append(all, spec.Example{Prompt: "Text: " + text + "\nLabel:", Input: text, Answer: d.Task.Labels[label], Label: label,
			Fields: map[string]any{"text": text, "label": d.Task.Labels[label]}})
	}
	d.split(all)
	return d
}

// Completion is a task of the kind generation or instruction: say which
// number comes after one. 24 training and 8 validation examples.
func Completion(kind string) Data {
	d := Data{Task: spec.Task{Name: "next", Kind: kind, Prompt: "After {n}:", Input: "After {n}:", Answer: "{answer}",
		Delimiter: " ", Separator: "\n\n", Metric: "exact_match", MaxNew: 4}}
	var all []spec.Example
	for i := range 32 {
		prompt := fmt.Sprintf("After %d:", i)
		all = append(all, spec.Example{Prompt: prompt, Input: prompt, Answer: fmt.Sprint(i + 1), Label: -1,
			Fields: map[string]any{"n": fmt.Sprint(i), "answer": fmt.Sprint(i + 1)}})
	}
	d.split(all)
	return d
}

// Preference is a task whose chosen response says "sea" and whose rejected one
// says "fire", whatever the prompt: 24 training and 8 validation examples.
func Preference() Data {
	d := Data{Task: spec.Task{Name: "likes", Kind: spec.Preference, Prompt: "Text: {n}", Input: "{n}", Delimiter: " ", Separator: "\n\n",
		Chosen: "{chosen}", Rejected: "{rejected}", Metric: "win_rate", Stop: []string{"\n"}, MaxNew: 4}}
	var all []spec.Example
	for i := range 32 {
		n := fmt.Sprint(i)
		all = append(all, spec.Example{Prompt: "Text: " + n, Input: n, Label: -1, Chosen: "the sea", Rejected: "the fire",
			Fields: map[string]any{"n": n, "chosen": "the sea", "rejected": "the fire"}})
	}
	d.split(all)
	return d
}
