package gen

import (
	"iter"
	"slices"
	"strings"
	"testing"
)

// firstDocs gives the first n documents of a seed and split.
func firstDocs(seed uint64, split string, n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		i := 0
		for d := range Corpus(seed, split) {
			if i++; i > n || !yield(d) {
				return
			}
		}
	}
}

func TestTasksAreDisjointFromEachOtherAndTheCorpus(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		for _, corpus := range []uint64{1, 7} {
			if err := Check(Tasks(seed), firstDocs(corpus, Train, 30000)); err != nil {
				t.Errorf("tasks of seed %d, corpus of seed %d: %v", seed, corpus, err)
			}
		}
		if err := Check(Tasks(seed), firstDocs(1, Validation, 5000)); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckFindsWhatItLooksFor(t *testing.T) {
	tasks := Tasks(1)
	planted := "A text. " + tasks[2].Test[5]["text"].(string) + " And more."
	err := Check(tasks, slices.Values([]string{"nothing here, nothing at all", planted}))
	if err == nil || !strings.Contains(err.Error(), "task sentiment, test row 5") || !strings.Contains(err.Error(), "document 1") {
		t.Errorf("planted in the corpus: %v", err)
	}
	tasks = Tasks(1)
	tasks[1].Train[3] = tasks[1].Test[9]
	err = Check(tasks, slices.Values([]string{}))
	if err == nil || !strings.Contains(err.Error(), "test row 9") || !strings.Contains(err.Error(), "train row 3") {
		t.Errorf("planted in another split: %v", err)
	}
	tasks = Tasks(1)
	tasks[0].Test[0]["question"] = "Why?"
	if err := Check(tasks, slices.Values([]string{})); err == nil || !strings.Contains(err.Error(), `field "question"`) {
		t.Errorf("short question: %v", err)
	}
}

// Seeds must not matter: what one seed tests, no other seed trains on.
func TestTasksOfDifferentSeedsDoNotMix(t *testing.T) {
	train := map[string]bool{}
	for _, seed := range []uint64{3, 4} {
		for _, task := range Tasks(seed) {
			if task.Name == "capitals" || task.Name == "explain" {
				continue // split by place and by topic within one seed
			}
			for _, r := range append(slices.Clone(task.Train), task.Validation...) {
				train[task.RenderPrompt(r)] = true
			}
		}
	}
	for _, task := range Tasks(5) {
		for _, r := range task.Test {
			if p := task.RenderPrompt(r); train[p] {
				t.Errorf("task %s: test prompt %q of seed 5 is a training prompt of seed 3 or 4", task.Name, p)
			}
		}
	}
}

func TestSplitsOfTheCorpusShareNoDocument(t *testing.T) {
	train := map[string]bool{}
	for d := range firstDocs(1, Train, 20000) {
		train[d] = true
	}
	for d := range firstDocs(1, Validation, 5000) {
		if train[d] {
			t.Fatalf("document in both splits: %q", d)
		}
	}
}
