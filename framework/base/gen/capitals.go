package gen

import "strings"

// capitalWordings are the corpus's ways to ask for a capital. The task asks
// "What is the capital of X?", which the corpus never does.
var capitalWordings = []string{
	"Which city is the capital of %?",
	"Name the capital of %.",
	"What city is the capital in %?",
	"Tell me the capital of %.",
}

var capitalFacts = []string{
	"The capital of {n} is {c}.",
	"{c} is the capital of {n}.",
	"The capital city of {n} is {c}.",
	"{n} has its capital in {c}.",
}

// placeFact is one declarative sentence, most often on the capital.
func placeFact(s *stream, p place) string {
	if s.percent(12) {
		return p.name + " is in " + p.region + "."
	}
	return strings.NewReplacer("{n}", p.name, "{c}", p.capital).Replace(pick(s, capitalFacts))
}

// factsDoc is a paragraph of facts on different places.
func factsDoc(s *stream) string {
	var out []string
	for _, p := range sample(s, places, s.between(3, 8)) {
		out = append(out, placeFact(s, p))
	}
	return strings.Join(out, " ")
}

// capitalPairs are questions for capitals, all in one wording and one style
// of answer. Full sentences are by far the commonest style, so that a bare
// question gets one: it takes examples to say that the name alone is wanted.
func capitalPairs(s *stream, k int) []pair {
	wording := pick(s, capitalWordings)
	style := s.n(100)
	fact := pick(s, capitalFacts)
	var out []pair
	for _, p := range sample(s, places, k) {
		answer := p.capital
		switch {
		case style < 75:
			answer = strings.NewReplacer("{n}", p.name, "{c}", p.capital).Replace(fact)
		case style < 82:
			answer = "It is " + p.capital + "."
		}
		out = append(out, pair{strings.ReplaceAll(wording, "%", p.name), answer})
	}
	return out
}

// capitalsTask asks places of the test split that no training example names;
// the facts on all of them stand in the corpus, in other words.
func capitalsTask(seed uint64) Task {
	s := newStream(seed, "task capitals")
	order := sample(s, places, len(places))
	rows := make([]Row, len(order))
	for i, p := range order {
		options := []string{p.capital}
		for _, q := range sample(s, places, len(places)) {
			if len(options) < 4 && q.region == p.region && q.name != p.name {
				options = append(options, q.capital)
			}
		}
		rows[i] = Row{
			"question": "What is the capital of " + p.name + "?",
			"place":    p.name,
			"answer":   p.capital,
			"choices":  sample(s, options, len(options)),
		}
	}
	return Task{
		Name: "capitals", Kind: KindGeneration,
		Prompt: "Question: {question}\nAnswer:", Answer: "{answer}", Choices: "choices",
		Metric: "exact_match", Stop: []string{"\n"}, MaxNew: 16,
		Train: rows[:56], Validation: rows[56:86], Test: rows[86:],
	}
}
