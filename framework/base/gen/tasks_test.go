package gen

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTaskSizes(t *testing.T) {
	want := map[string][3]int{
		"capitals": {56, 30, 80}, "wordproblems": {400, 100, 250}, "sentiment": {600, 150, 400},
		"instructions": {800, 100, 200}, "explain": {500, 100, 150},
	}
	for _, task := range Tasks(1) {
		got := [3]int{len(task.Train), len(task.Validation), len(task.Test)}
		w := want[task.Name]
		if got != w {
			t.Errorf("task %s: %v rows, want %v", task.Name, got, w)
		}
		for _, r := range append(slices.Clone(task.Train), task.Test...) {
			p := task.RenderPrompt(r)
			if strings.ContainsAny(p, "{}") {
				t.Fatalf("task %s: prompt %q has unfilled places", task.Name, p)
			}
			// About 3 bytes to a token: most prompts below 60 tokens.
			if len(p) > 210 {
				t.Errorf("task %s: prompt of %d bytes: %q", task.Name, len(p), p)
			}
			if b, err := json.Marshal(r); err != nil || strings.Contains(string(b), "null") {
				t.Errorf("task %s: row %v as JSON: %s, %v", task.Name, r, b, err)
			}
		}
	}
}

func TestSplitNames(t *testing.T) {
	task := Tasks(1)[0]
	if rows, err := task.Split(Test); err != nil || len(rows) != len(task.Test) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := task.Split("dev"); err == nil || !strings.Contains(err.Error(), `"dev"`) {
		t.Errorf("split dev: %v", err)
	}
}

func TestCapitalsChoices(t *testing.T) {
	task := Tasks(1)[0]
	for _, r := range append(slices.Clone(task.Train), task.Test...) {
		c := r["choices"].([]string)
		slices.Sort(c)
		if len(slices.Compact(c)) != 4 || !slices.Contains(c, r["answer"].(string)) {
			t.Errorf("%v: choices %v", r["question"], c)
		}
	}
}

var stepForm = regexp.MustCompile(`(\d+) (plus|minus|times|divided by) (\d+) is (\d+)\.`)

// The reasoning is recalculated from its text, and its story must name every
// number that it starts from.
func TestReasoningIsRight(t *testing.T) {
	task := Tasks(1)[1]
	for _, r := range append(slices.Clone(task.Train), task.Test...) {
		reasoning, story := r["reasoning"].(string), r["question"].(string)
		steps := stepForm.FindAllStringSubmatch(reasoning, -1)
		if len(steps) < 2 || len(steps) > 3 {
			t.Errorf("%d steps in %q", len(steps), reasoning)
		}
		last := ""
		for i, m := range steps {
			a, _ := strconv.Atoi(m[1])
			b, _ := strconv.Atoi(m[3])
			want := map[string]int{"plus": a + b, "minus": a - b, "times": a * b}[m[2]]
			if m[2] == "divided by" {
				if a%b != 0 {
					t.Errorf("%q does not divide", m[0])
				}
				want = a / b
			}
			if m[4] != strconv.Itoa(want) || want < 0 || want > 99 {
				t.Errorf("%q: want %d", m[0], want)
			}
			if i > 0 && m[1] != last {
				t.Errorf("%q does not go on from %s", reasoning, last)
			}
			if !regexp.MustCompile(`\b` + m[3] + `\b`).MatchString(story) {
				t.Errorf("%q uses %s, which %q does not tell", reasoning, m[3], story)
			}
			last = m[4]
		}
		if want := fmt.Sprintf("The answer is %s.", r["answer"]); last != r["answer"] || !strings.HasSuffix(reasoning, want) {
			t.Errorf("%q ends in %s, answer %s", reasoning, last, r["answer"])
		}
	}
}

// The label follows from the text by the stated rule, read by other code than
// the one that wrote it.
func TestSentimentFollowsItsRule(t *testing.T) {
	task := Tasks(1)[2]
	positive := 0
	for _, r := range append(slices.Clone(task.Train), task.Test...) {
		text := strings.TrimSuffix(r["text"].(string), ".")
		sentences := strings.Split(text, ". ")
		end := sentences[len(sentences)-1]
		want := ""
		switch {
		case slices.Contains(verdicts[0], end+"."):
			want = "negative"
		case slices.Contains(verdicts[1], end+"."):
			want = "positive"
		default:
			if _, after, ok := strings.Cut(end, " but "); ok {
				end = after
			} else if _, after, ok := strings.Cut(end, ", "); ok {
				end = after
			} else if before, _, ok := strings.Cut(end, " and "); ok {
				end = before
			}
			good := 0
			for _, w := range strings.Fields(end) {
				if slices.Contains(qualities[1], w) || slices.Contains([]string{"loved", "liked", "enjoyed", "like"}, w) {
					good = 1
				}
			}
			if slices.Contains(strings.Fields(end), "not") {
				good = 1 - good
			}
			want = task.Labels[good]
		}
		if r["label"] != want {
			t.Errorf("%q is %s; the rule says %s", text, r["label"], want)
		}
		if r["label"] == "positive" {
			positive++
		}
	}
	if positive < 430 || positive > 570 {
		t.Errorf("%d of 1000 reviews are positive", positive)
	}
}

func TestInstructionsAreObeyed(t *testing.T) {
	task := Tasks(1)[3]
	seen := map[string]int{}
	for _, r := range task.Test {
		_, list, _ := strings.Cut(r["prompt"].(string), ": ")
		w, out := strings.Fields(list), strings.Fields(r["completion"].(string))
		seen[r["skill"].(string)]++
		ok := false
		switch r["skill"] {
		case "copy":
			ok = slices.Equal(w, out)
		case "first":
			ok = len(out) == 1 && out[0] == w[0]
		case "last":
			ok = len(out) == 1 && out[0] == w[len(w)-1]
		case "count":
			ok = len(out) == 1 && out[0] == strconv.Itoa(len(w))
		case "reverse":
			slices.Reverse(w)
			ok = slices.Equal(w, out)
		case "join":
			ok = len(out) == 2*len(w)-1 && out[1] == "and"
		case "double":
			ok = len(out) == 2*len(w) && out[0] == out[1]
		case "plural":
			ok = len(out) == len(w) && out[0] != w[0] && strings.HasSuffix(out[0], "s")
		case "replace":
			differ := 0
			for i := range w {
				if w[i] != out[i] {
					differ++
				}
			}
			ok = len(out) == len(w) && differ == 1
		}
		if !ok {
			t.Errorf("%s: %q -> %q", r["skill"], r["prompt"], r["completion"])
		}
	}
	for _, in := range instructions {
		if seen[in.skill] < 5 {
			t.Errorf("%d test rows of skill %s", seen[in.skill], in.skill)
		}
	}
}

func TestNamesAreThoseOfTheTasks(t *testing.T) {
	var names []string
	for _, task := range Tasks(1) {
		names = append(names, task.Name)
	}
	if !slices.Equal(Names(), names) {
		t.Errorf("Names gives %v, the tasks are %v", Names(), names)
	}
}
