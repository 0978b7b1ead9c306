package gen

import "strings"

// instruction is one kind of thing to do with some words: it draws a prompt
// and its completion.
type instruction struct {
	skill string
	draw  func(s *stream) (prompt, completion string)
}

// instructions name in words what the corpus shows by examples at most, so
// that the base model has the skill and not the instruction.
var instructions = []instruction{
	{"copy", listed(2, 4, copied, "Repeat the words: %", "Write the same words: %")},
	{"first", listed(3, 5, first, "Write the first word: %", "Give only the first word of the list: %")},
	{"last", listed(3, 5, last, "Write the last word: %", "Give only the last word of the list: %")},
	{"count", listed(2, 6, counted, "Count the words: %", "Say how many words are in the list: %")},
	{"reverse", listed(2, 4, turned, "Reverse the list: %", "Write the words from last to first: %")},
	{"join", listed(2, 4, joined, "Join the words with and: %", "Put and between the words: %")},
	{"double", listed(1, 3, doubled, "Write each word twice: %", "Say all the words two times: %")},
	{"plural", pluralInstruction},
	{"replace", replaceInstruction},
}

func copied(w []string) string  { return strings.Join(w, " ") }
func first(w []string) string   { return w[0] }
func last(w []string) string    { return w[len(w)-1] }
func counted(w []string) string { return number(len(w)) }
func turned(w []string) string  { return strings.Join(reversed(w), " ") }
func joined(w []string) string  { return strings.Join(w, " and ") }

func doubled(w []string) string {
	var out []string
	for _, x := range w {
		out = append(out, x, x)
	}
	return strings.Join(out, " ")
}

// listed asks in one of several wordings, % standing for lo to hi words.
func listed(lo, hi int, do func([]string) string, asks ...string) func(*stream) (string, string) {
	return func(s *stream) (string, string) {
		words := sample(s, listWords, s.between(lo, hi))
		return strings.ReplaceAll(pick(s, asks), "%", strings.Join(words, " ")), do(words)
	}
}

func pluralInstruction(s *stream) (string, string) {
	words := sample(s, countable, s.between(2, 3))
	var out []string
	for _, w := range words {
		out = append(out, plural(w))
	}
	ask := pick(s, []string{"Make the words plural: ", "Write two or more of each: "})
	return ask + strings.Join(words, " "), strings.Join(out, " ")
}

// replaceInstruction asks for one word in place of another.
func replaceInstruction(s *stream) (string, string) {
	drawn := sample(s, listWords, s.between(4, 5))
	to, words := drawn[0], drawn[1:]
	i := s.n(len(words))
	out := append([]string(nil), words...)
	out[i] = to
	ask := pick(s, []string{"Replace {from} with {to}: ", "Put {to} in the place of {from}: "})
	ask = strings.NewReplacer("{from}", words[i], "{to}", to).Replace(ask)
	return ask + strings.Join(words, " "), strings.Join(out, " ")
}

// instructionsTask has all kinds of instruction in every split, with other
// words.
func instructionsTask(seed uint64) Task {
	s := newStream(seed, "task instructions")
	rows := distinctRows("prompt", func(split int) Row {
		for {
			in := pick(s, instructions)
			prompt, completion := in.draw(s)
			if owner("instruction", prompt) == ownerOf(split) {
				return Row{"prompt": prompt, "completion": completion, "skill": in.skill}
			}
		}
	}, 800, 100, 200)
	return Task{
		Name: "instructions", Kind: KindInstruction,
		Prompt: "Instruction: {prompt}\nResponse:", Answer: "{completion}",
		Metric: "completion_loss", Stop: []string{"\n"}, MaxNew: 24,
		Train: rows[0], Validation: rows[1], Test: rows[2],
	}
}
