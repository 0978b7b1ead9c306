package data

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

func TestPrepareClassificationFromFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "train.csv", "text,label,note\nWho ?,human,h\nWhere ?,1,l\n")
	put(t, dir, "test.jsonl", `{"text":"When ?","label":0,"note":"secret"}`+"\n")
	p, err := load(t, dir, `
kind: classification
prompt: "Q: {text}\nType:"
input: "{text}"
label: label
labels: [human, place]
data: {train: train.csv, test: test.jsonl, validation_fraction: 0}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := spec.Example{ID: "train-2", Prompt: "Q: Where ?\nType:", Input: "Where ?", Answer: "place", Label: 1, Fields: map[string]any{"text": "Where ?", "label": "1"}}
	if !reflect.DeepEqual(p.Train[1], want) || p.Train[0].Label != 0 || len(p.Validation) != 0 {
		t.Errorf("train is %+v", p.Train)
	}
	it := p.Test[0]
	if !reflect.DeepEqual(it.Item, spec.Item{ID: "test-1", Prompt: "Q: When ?\nType:", Input: "When ?", Fields: map[string]any{"text": "When ?"}}) {
		t.Errorf("the item shows %+v", it.Item)
	}
	if it.Answer != "human" || it.Label != 0 || it.Fields["note"] != "secret" || p.AllFields("test-1")["note"] != "secret" {
		t.Errorf("the host has %+v", it)
	}
}

// No value that only the answer fields hold may reach a method with a test item.
func TestItemsShowNoAnswer(t *testing.T) {
	tf := &TaskFile{Task: spec.Task{Name: "p", Kind: spec.Preference, Prompt: "{q}", Answer: "{out}", Reasoning: "{why|trim}", Chosen: "{good.text}", Rejected: "{bad}"}}
	mk := func(q string) map[string]any {
		return map[string]any{"q": q, "out": "SECRET1", "why": "SECRET2", "good": map[string]any{"text": "SECRET3"}, "bad": "SECRET4", "unused": "SECRET5", "hint": "open"}
	}
	tf.Data.Fields = []string{"hint"}
	p, err := FromRows(tf, rows{mk("a"), mk("b")}, rows{mk("c")}, rows{mk("d")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := spec.Canonical(append(p.Items(), ValidationItems(p)[0].Item))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "SECRET") || !strings.Contains(string(b), `"hint":"open"`) {
		t.Errorf("items are %s", b)
	}
	it := p.Test[0]
	if it.Answer != "SECRET1" || it.Chosen != "SECRET3" || it.Rejected != "SECRET4" || p.Train[0].Reasoning != "SECRET2" {
		t.Errorf("the host has %+v", it)
	}
}

func TestChoicesGiveTheLabel(t *testing.T) {
	tf := questions()
	tf.Choices = "options"
	row := func(q, a string) map[string]any {
		return map[string]any{"question": q, "answer": a, "options": []string{"red", "blue"}}
	}
	p, err := FromRows(tf, rows{row("a", "blue")}, nil, rows{row("b", "red")})
	if err != nil {
		t.Fatal(err)
	}
	if p.Train[0].Label != 1 || p.Test[0].Label != 0 || !reflect.DeepEqual(p.Test[0].Item.Choices, []string{"red", "blue"}) {
		t.Errorf("train %+v, test %+v", p.Train[0], p.Test[0])
	}
	_, err = FromRows(tf, rows{row("a", "green")}, nil, rows{row("b", "red")})
	wants(t, err, "q train:1", `"green" is not among red, blue`)
}

func TestRowMistakesNameFileAndLine(t *testing.T) {
	class := "kind: classification\nprompt: \"{text}\"\nlabel: label\ndata: {train: a.jsonl, test: b.jsonl, validation_fraction: 0}\n"
	gen := "kind: generation\nprompt: \"{text}\"\nanswer: \"{out}\"\ndata: {train: a.jsonl, test: b.jsonl, validation_fraction: 0}\n"
	good := `{"text":"t","label":"x","out":"o"}` + "\n"
	for _, c := range []struct {
		yaml, train string
		says        []string
	}{
		{class + "labels: [x, y]\n", good + `{"text":"u","label":2}`, []string{"a.jsonl:2", "label 2 is outside 0..1 (x, y)"}},
		{class + "labels: [x, y]\n", good + `{"text":"u","label":"z"}`, []string{"a.jsonl:2", `"z" is not among x, y`}},
		{class + "labels: [x, y]\n", `{"text":"u"}`, []string{"a.jsonl:1", `label names field "label"; the row has text`}},
		{class, `{"text":"u","label":1}`, []string{"labels: it is missing", "numbers only"}},
		{class, `{"text":"u","label":"x"}`, []string{`the one value "x"`}},
		{gen, `{"txt":"u","out":"o"}`, []string{"a.jsonl:1", "template prompt", `unknown field "text"; the row has out, txt`}},
		{gen, good + `{"text":"u","out":" "}`, []string{"a.jsonl:2", "template answer gives an empty text"}},
		{gen + "input: \"{?tpyo}x{/tpyo}{text}\"\n", good, []string{"template input", `section's field "tpyo" stands in no row`}},
		{strings.Replace(gen, "fraction: 0", "fraction: 0, id: text", 1), good + `{"text":"t","out":"p"}`, []string{"a.jsonl:1", "a.jsonl:2", `id "t" stands twice`}},
		{strings.Replace(gen, "fraction: 0", "fraction: 0.1", 1), good, []string{"data.validation_fraction", "1 training rows"}},
	} {
		dir := t.TempDir()
		put(t, dir, "a.jsonl", c.train)
		put(t, dir, "b.jsonl", `{"text":"held out","label":"x","out":"o"}`+"\n")
		_, err := load(t, dir, c.yaml)
		wants(t, err, c.says...)
	}
	_, err := load(t, t.TempDir(), gen)
	wants(t, err, "task task, data.train", "a.jsonl", "no such file")
}

func TestLabelsAreFoundInTheTrainingRows(t *testing.T) {
	tf := &TaskFile{Task: spec.Task{Name: "c", Kind: spec.Classification, Prompt: "{t}", Label: "l"}, Given: map[string]bool{"data.validation_fraction": true}}
	p, err := FromRows(tf, rows{{"t": "1", "l": "pos"}, {"t": "2", "l": "neg"}, {"t": "3", "l": "pos"}}, nil, rows{{"t": "4", "l": "neg"}})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Task.Labels, []string{"neg", "pos"}) || p.Test[0].Label != 0 {
		t.Errorf("labels %v, test %+v", p.Task.Labels, p.Test[0])
	}
	if i, err := labelIndex("3", []string{"1", "2", "3"}); err != nil || i != 2 {
		t.Errorf("a name that is a number gives index %d, %v", i, err)
	}
}

func TestHashFollowsContentAndNothingElse(t *testing.T) {
	prepare := func(answer, testAnswer, folder string) *Prepared {
		dir := t.TempDir()
		put(t, dir, "a.csv", "question,answer\n1+1,2\n2+2,"+answer+"\n")
		put(t, dir, "b.csv", "question,answer\n3+3,"+testAnswer+"\n")
		p, err := load(t, dir, "name: sums\nkind: generation\nprompt: \"{question}\"\nanswer: \"{answer}\"\ndata: {train: a.csv, test: b.csv, validation_fraction: 0}\n")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := prepare("4", "6", "x")
	if b := prepare("4", "6", "y"); b.Hash != a.Hash {
		t.Error("the same data in another folder has another hash")
	}
	if b := prepare("5", "6", "x"); b.Hash == a.Hash {
		t.Error("another training answer has the same hash")
	}
	if b := prepare("4", "7", "x"); b.Hash == a.Hash || b.Test[0].Hash == a.Test[0].Hash {
		t.Error("another test answer has the same hash")
	}
}

func TestSeededSplits(t *testing.T) {
	var text strings.Builder
	text.WriteString("question,answer\n")
	for i := range 100 {
		fmt.Fprintf(&text, "q%d,a%d\n", i, i)
	}
	sizes := func(data string) (string, *Prepared) {
		dir := t.TempDir()
		put(t, dir, "all.csv", text.String())
		p, err := load(t, dir, "name: n\nkind: generation\nprompt: \"{question}\"\nanswer: \"{answer}\"\ndata: {file: all.csv"+data+"}\n")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range append(append([]spec.Example{}, p.Train...), p.Validation...) {
			seen[e.Prompt] = true
		}
		for _, it := range p.Test {
			seen[it.Item.Prompt] = true
		}
		if len(seen) != 100 || !p.Overlap.Disjoint || p.Overlap.DistinctTrain != len(p.Train) {
			t.Errorf("%d different rows over the splits; %+v", len(seen), p.Overlap)
		}
		return fmt.Sprint(len(p.Train), len(p.Validation), len(p.Test)), p
	}
	got, a := sizes("")
	if got != "80 10 10" {
		t.Errorf("the default split is %s", got)
	}
	if _, again := sizes(""); again.Hash != a.Hash {
		t.Error("the same seed gives another split")
	}
	if _, b := sizes(", split: {seed: 1}"); b.Hash == a.Hash {
		t.Error("another seed gives the same split")
	}
	if got, _ := sizes(", split: {train: 0.75, test: 0.25}, validation_fraction: 0.2"); got != "60 15 25" {
		t.Errorf("validation taken from train gives %s", got)
	}
	if got, _ := sizes(", split: {train: 0.75, test: 0.25}, validation_fraction: 0"); got != "75 0 25" {
		t.Errorf("without validation the split is %s", got)
	}
}
