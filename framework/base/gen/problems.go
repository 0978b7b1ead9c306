package gen

import (
	"fmt"
	"strings"
)

var people = []struct{ name, he string }{
	{"Tom", "He"}, {"Ann", "She"}, {"Ben", "He"}, {"Eva", "She"}, {"Sam", "He"}, {"Mia", "She"}, {"Max", "He"}, {"Lily", "She"},
	{"Leo", "He"}, {"Rose", "She"}, {"Jack", "He"}, {"Nina", "She"}, {"Paul", "He"}, {"Lucy", "She"}, {"Dan", "He"}, {"Kate", "She"},
}

var fruits = []string{"apples", "pears", "plums", "oranges", "lemons", "peaches", "bananas", "cherries"}

var containers = []string{"box", "bag", "basket", "bowl", "crate"}

// problem is a story of two or three calculations.
type problem struct {
	key   string // kind and numbers: what is held out, whatever names a story has
	text  string // the story and its question
	steps []step
}

func (p problem) answer() string { return number(p.steps[len(p.steps)-1].result) }

// reasoning is "3 times 4 is 12. 12 minus 2 is 10. The answer is 10."
func (p problem) reasoning() string {
	var out []string
	for _, t := range p.steps {
		out = append(out, t.sentence())
	}
	return strings.Join(out, " ") + " The answer is " + p.answer() + "."
}

// Changes that a story may tell: more or less of the fruit.
var (
	gains  = []string{"gets %d more", "buys %d more", "finds %d more"}
	losses = []string{"eats %d", "gives away %d", "sells %d", "loses %d"}
)

// drawProblem draws a story; all its numbers are between 1 and 99.
func drawProblem(s *stream) problem {
	who, fruit, in := pick(s, people), pick(s, fruits), pick(s, containers)
	var told []string
	var steps []step
	say := func(f string, a ...any) { told = append(told, fmt.Sprintf(f, a...)) }
	now := 0
	change := func(op int) {
		if op == opPlus || now < 2 {
			n := s.between(1, 9)
			say(who.he+" "+pick(s, gains)+".", n)
			steps = append(steps, newStep(now, opPlus, n))
		} else {
			n := s.between(1, min(9, now-1))
			say(who.he+" "+pick(s, losses)+".", n)
			steps = append(steps, newStep(now, opMinus, n))
		}
		now = steps[len(steps)-1].result
	}
	question := "How many " + fruit + " are there now?"
	kind := s.n(5)
	switch kind {
	case 0, 1: // boxes of fruit, then one or two changes
		a, b := s.between(2, 9), s.between(2, 9)
		say("%s has %d %s. Each %s has %d %s.", who.name, a, plural(in), in, b, fruit)
		steps = append(steps, newStep(a, opTimes, b))
		now = a * b
		for range kind + 1 {
			change(s.n(2))
		}
	case 2, 3: // some fruit, then two or three changes
		now = s.between(5, 40)
		say("%s has %d %s.", who.name, now, fruit)
		for range kind {
			change(s.n(2))
		}
	case 4: // fruit put evenly into boxes
		b := s.between(2, 9)
		now = b * s.between(2, 9)
		n := s.between(1, min(9, now-2))
		say("%s has %d %s.", who.name, now-n, fruit)
		say(who.he+" "+pick(s, gains)+".", n)
		steps = append(steps, newStep(now-n, opPlus, n), newStep(now, opDivide, b))
		say("%s puts them in %d %s.", who.he, b, plural(in))
		question = "How many " + fruit + " are in each " + in + "?"
	}
	key := number(kind)
	for _, t := range steps {
		key += fmt.Sprintf(" %d,%d,%d", t.a, t.op, t.b)
	}
	return problem{key, strings.Join(told, " ") + " " + question, steps}
}

// problemFor draws until the story's numbers belong to who.
func problemFor(s *stream, who int) problem {
	for {
		p := drawProblem(s)
		last := p.steps[len(p.steps)-1].result
		if last >= 1 && last <= 99 && owner("problem", p.key) == who {
			return p
		}
	}
}

// workedDoc shows 4 to 6 stories with their reasoning; directDoc 1 to 8 with
// the answer alone. Both use the same formats, so that only the examples
// before a story say which one is wanted. Direct documents are many:
// a story without examples before it is mostly followed by its answer, and a
// model reasons when it is shown how.
func workedDoc(s *stream) string {
	return problemsDoc(s, s.between(4, 6), problem.reasoning)
}

func directDoc(s *stream) string {
	answer := problem.answer
	if s.percent(30) {
		answer = func(p problem) string { return "The answer is " + p.answer() + "." }
	}
	return problemsDoc(s, s.between(1, 8), answer)
}

var problemFormats = []format{
	{"Question: ", "\nAnswer: ", "\n\n"},
	{"Q: ", "\nA: ", "\n\n"},
	{"Problem: ", "\nSolution: ", "\n\n"},
	{"", " ", "\n\n"},
}

func problemsDoc(s *stream, stories int, answer func(problem) string) string {
	var pairs []pair
	for range stories {
		p := problemFor(s, forCorpus)
		pairs = append(pairs, pair{p.text, answer(p)})
	}
	return pick(s, problemFormats).render(pairs)
}

// problemsTask asks stories whose numbers the corpus never tells together.
func problemsTask(seed uint64) Task {
	s := newStream(seed, "task wordproblems")
	rows := distinctRows("question", func(split int) Row {
		p := problemFor(s, ownerOf(split))
		return Row{"question": p.text, "reasoning": p.reasoning(), "answer": p.answer()}
	}, 400, 100, 250)
	return Task{
		Name: "wordproblems", Kind: KindGeneration,
		Prompt: "Question: {question}\nAnswer:", Answer: "{answer}", Reasoning: "{reasoning}",
		Metric: "number", Stop: []string{"\n"}, MaxNew: 64,
		Train: rows[0], Validation: rows[1], Test: rows[2],
	}
}
