package main

import (
	"reflect"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/spec"
)

func TestAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"3 + 4 = 7. The answer is 7.":                    "7",
		"The answer is 5. No: the answer is 6.":          "6", // the last one
		"So the answer is $1,234.50.":                    "1234.5",
		"the ANSWER is: -12":                             "-12",
		"The answer is -$3.":                             "-3",
		"The answer is $-3.":                             "-3",
		"The answer is 3.0.":                             "3",
		"The answer is 7 apples.":                        "7",
		"The answer is Paris.":                           "Paris",
		"The answer is  the red box \nQuestion: another": "the red box",
		"The answer is 18":                               "18", // cut off at the context's end
		"The answer is":                                  "",
		"It is 7.":                                       "",
		"":                                               "",
	} {
		if got := answer(text); got != want {
			t.Errorf("%q gives %q, expected %q", text, got, want)
		}
	}
}

func TestMajority(t *testing.T) {
	say := func(answers ...string) (out []string) {
		for _, a := range answers {
			if a != "" {
				a = "So. The answer is " + a + "."
			}
			out = append(out, a)
		}
		return out
	}
	for _, c := range []struct {
		texts []string
		want  int
	}{
		{say("1", "2", "2"), 1},
		{say("1", "2", "2", "1"), 0}, // a tie: the one seen first
		{say("2", "1", "1", "2"), 0},
		{say("", "", "4"), 2}, // no answer, no vote
		{say("", ""), 0},
		{say("1", "3.0", "3"), 1}, // by value
		{say("5"), 0},
	} {
		if got := majority(c.texts); got != c.want {
			t.Errorf("%q: sample %d, expected %d", c.texts, got, c.want)
		}
	}
}

func TestConclude(t *testing.T) {
	paths := []generate.Result{
		{Text: "Well. The answer is 1.", Finish: generate.Length, IDs: []int{5, 6}, FLOPs: 10},
		{Text: "One and one. The answer is 2.", Finish: generate.Stop, IDs: []int{5}, FLOPs: 20},
		{Text: "The answer is 2.", Finish: generate.Context, IDs: []int{7, 8, 9}, FLOPs: 30},
	}
	want := spec.Prediction{Text: paths[1].Text, Answer: "2", Finish: generate.Stop, GeneratedTokens: 6, FLOPs: 60, Samples: []string{paths[0].Text, paths[1].Text, paths[2].Text}}
	if got := conclude(paths); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, expected %+v", got, want)
	}
	if got := conclude(paths[:1]); got.Text != paths[0].Text || got.Samples != nil || got.Finish != generate.Length {
		t.Errorf("one path: %+v", got)
	}
}
