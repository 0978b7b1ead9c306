package gen

import "strings"

// Who an explanation is for.
const (
	Child  = "child"
	Expert = "expert"
)

// taskAsks are the wordings of the task, corpusAsks those of the corpus; %
// stands for the topic's clause. They have nothing in common, so that no
// prompt of the task stands in the corpus.
var (
	taskAsks = []string{
		"Tell me why %.", "Can you say why %?", "Do you know why %?", "I want to know why %.",
		"I wonder why %.", "Please say why %.", "Could you tell me why %?", "My friend asks why %.",
		"Let me know why %.", "We want to see why %.", "Say in a few words why %.", "Who can tell why %?",
	}
	corpusAsks = []string{
		"Why is it that %?", "What is the reason that %?", "How can it be that %?", "Give the reason that %.",
	}
)

var openers = [2][]string{
	{"It is easy.", "Think of it like this.", "Here is how."},
	{"The mechanism is well known.", "This is a physical process.", "The process has several causes."},
}

// explanation is said in one register, whole or in part.
func explanation(s *stream, t topic, expert bool, sentences int) []string {
	from := t.register(expert)
	first := 0
	if sentences < len(from) {
		first = s.n(len(from) - sentences + 1)
	}
	out := append([]string(nil), from[first:min(first+sentences, len(from))]...)
	if s.percent(25) {
		r := 0
		if expert {
			r = 1
		}
		out = append([]string{pick(s, openers[r])}, out...)
	}
	return out
}

// explainDoc explains in either register, whoever asks: the base model learns
// to explain, and nothing about whom to explain how.
func explainDoc(s *stream) string {
	t := pick(s, topics)
	ask := strings.ReplaceAll(pick(s, corpusAsks), "%", t.clause)
	answer := strings.Join(explanation(s, t, s.percent(50), s.between(1, 3)), " ")
	switch s.n(4) {
	case 0:
		return "Q: " + ask + "\nA: " + answer
	case 1:
		return ask + " " + answer
	default:
		return "Explain to " + audienceNoun(pick(s, []string{Child, Expert})) + ": " + ask + "\nAnswer: " + answer
	}
}

func audienceNoun(a string) string {
	if a == Expert {
		return "an " + a
	}
	return "a " + a
}

// preferred draws a response of good, though not always of the best quality:
// a reference that a tuned model can beat.
func preferred(s *stream, t topic, expert bool) string {
	switch c := s.n(100); {
	case c < 40:
		return strings.Join(explanation(s, t, expert, s.between(2, 3)), " ")
	case c < 65:
		return strings.Join(explanation(s, t, expert, 1), " ")
	case c < 85:
		return strings.Join(append(explanation(s, t, expert, 2), pick(s, t.register(!expert))), " ")
	default:
		return strings.Join(append(explanation(s, t, expert, 2), pick(s, pick(s, topics).register(expert))), " ")
	}
}

// dispreferred draws a response with a fault: the other register (the usual
// one), another topic, a repetition, no end, or the words out of order.
func dispreferred(s *stream, t topic, expert bool) string {
	switch c := s.n(100); {
	case c < 60:
		return strings.Join(explanation(s, t, !expert, s.between(1, 3)), " ")
	case c < 70:
		return strings.Join(append(explanation(s, t, !expert, 2), pick(s, t.register(expert))), " ")
	case c < 80:
		return strings.Join(explanation(s, pick(s, topics), expert, s.between(1, 3)), " ")
	case c < 88:
		x := pick(s, t.register(expert))
		return strings.Repeat(x+" ", s.between(2, 4)) + x
	case c < 94:
		w := strings.Fields(strings.Join(t.register(expert)[:2], " "))
		return strings.TrimSuffix(strings.Join(w[:len(w)-s.between(1, 3)], " "), ".")
	default:
		w := strings.Fields(strings.TrimSuffix(t.register(expert)[0], "."))
		return strings.Join(sample(s, w, len(w)), " ") + "."
	}
}

// explainMargin is how much better the chosen response of a pair is, in
// thousandths of the gold reward.
const explainMargin = 150

// explainTask has pairs of responses. Train, validation and test have
// different topics; the corpus explains all of them.
func explainTask(seed uint64) Task {
	s := newStream(seed, "task explain")
	order := sample(s, topics, len(topics))
	by := [][]topic{order[:24], order[24:30], order[30:]}
	rows := distinctRows("prompt", func(split int) Row {
		t := pick(s, by[split])
		audience := pick(s, []string{Child, Expert})
		question := strings.ReplaceAll(pick(s, taskAsks), "%", t.clause)
		expert := audience == Expert
		for {
			chosen, rejected := preferred(s, t, expert), dispreferred(s, t, expert)
			if reward(t, expert, chosen)-reward(t, expert, rejected) >= explainMargin {
				return Row{
					"question": question, "audience": audience,
					"prompt": "Explain to " + audienceNoun(audience) + ": " + question + "\nAnswer:",
					"chosen": chosen, "rejected": rejected,
				}
			}
		}
	}, 500, 100, 150)
	return Task{
		Name: "explain", Kind: KindPreference,
		Prompt: "{prompt}", Answer: "{chosen}", Chosen: "{chosen}", Rejected: "{rejected}",
		Metric: "win_rate", Stop: []string{"\n"}, MaxNew: 64,
		Train: rows[0], Validation: rows[1], Test: rows[2],
	}
}
