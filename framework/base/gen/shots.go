package gen

import "strings"

// pair is one input with its output, as a document of examples shows it.
type pair struct{ in, out string }

// format is how a document renders its pairs.
type format struct{ before, between, after string }

// formats are the layouts that documents of examples are drawn from.
var formats = []format{
	{"Question: ", "\nAnswer: ", "\n\n"},
	{"Question: ", "\nAnswer: ", "\n\n"},
	{"Q: ", "\nA: ", "\n\n"},
	{"Q: ", "\nA: ", "\n"},
	{"Input: ", "\nOutput: ", "\n\n"},
	{"In: ", " Out: ", "\n"},
	{"", " -> ", "\n"},
	{"", " = ", "\n"},
	{"", "\n", "\n\n"},
}

func (f format) render(pairs []pair) string {
	var out []string
	for _, p := range pairs {
		out = append(out, f.before+p.in+f.between+p.out)
	}
	return strings.Join(out, f.after)
}

// labelPairs are names that a document may give to two classes; which class
// gets which is drawn anew each time, so that only the examples tell.
var labelPairs = [][2]string{
	{"yes", "no"}, {"A", "B"}, {"red", "blue"}, {"one", "two"}, {"up", "down"}, {"cat", "dog"},
	{"good", "bad"}, {"left", "right"}, {"X", "Y"}, {"positive", "negative"}, {"0", "1"}, {"true", "false"},
}

var opposites = strings.Fields("hot cold big small up down left right good bad old new fast slow long short open shut day night wet dry hard soft high low full empty rich poor early late light dark near far happy sad strong weak clean dirty first last")

var categories = [][]string{
	strings.Fields("fruit apple pear plum orange lemon peach banana cherry"),
	strings.Fields("animal dog cat horse cow sheep pig bird fish"),
	strings.Fields("color red blue green yellow black white brown pink"),
	strings.Fields("food bread soup cake cheese rice egg meat tea"),
	strings.Fields("thing box bag chair table lamp book cup door"),
	strings.Fields("person man woman boy girl child teacher doctor friend"),
}

var listWords = func() []string {
	var out []string
	for _, c := range categories {
		out = append(out, c[1:]...)
	}
	return out
}()

// relation makes pairs of one hidden rule.
type relation func(s *stream, k int) []pair

// relations are the rules that documents of examples follow, with their
// weights; a rule without formats of its own is told in any of formats.
var relations = []struct {
	weight  int
	make    relation
	formats []format
}{
	{16, capitalPairs, formats[:6]},
	{4, regionPairs, nil},
	{8, oppositePairs, nil},
	{8, categoryPairs, nil},
	{16, labelledWords, nil},
	{18, labelledReviews, reviewFormats},
	{6, pluralPairs, nil},
	{8, sumPairs, nil},
	{16, listPairs, nil},
}

// reviewFormats are the layouts of labelled reviews.
var reviewFormats = append([]format{
	{"Review: ", "\nLabel: ", "\n\n"}, {"Review: ", "\nLabel: ", "\n\n"}, {"Review: ", "\nLabel: ", "\n\n"},
	{"Text: ", " Class: ", "\n"},
}, formats[:7]...)

// shotsDoc is 2 to 9 examples of one rule in one format.
func shotsDoc(s *stream) string {
	total := 0
	for _, r := range relations {
		total += r.weight
	}
	at := s.n(total)
	for _, r := range relations {
		if at -= r.weight; at < 0 {
			from := r.formats
			if from == nil {
				from = formats
			}
			return pick(s, from).render(r.make(s, s.between(2, 9)))
		}
	}
	panic("gen: weights of relations do not add up")
}

func regionPairs(s *stream, k int) []pair {
	wording := pick(s, []string{"Where is %?", "%", "What is the region of %?"})
	var out []pair
	for _, p := range sample(s, places, k) {
		out = append(out, pair{strings.ReplaceAll(wording, "%", p.name), p.region})
	}
	return out
}

func oppositePairs(s *stream, k int) []pair {
	wording := pick(s, []string{"%", "What is the opposite of %?"})
	var out []pair
	for _, i := range sample(s, indices(len(opposites)), k) {
		out = append(out, pair{strings.ReplaceAll(wording, "%", opposites[i]), opposites[i^1]})
	}
	return out
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func categoryPairs(s *stream, k int) []pair {
	wording := pick(s, []string{"%", "What is the kind of %?"})
	var out []pair
	for range k {
		c := pick(s, categories)
		out = append(out, pair{strings.ReplaceAll(wording, "%", pick(s, c[1:])), c[0]})
	}
	return out
}

// labelledWords gives two categories arbitrary labels.
func labelledWords(s *stream, k int) []pair {
	classes, labels := sample(s, categories, 2), shuffledLabels(s)
	var out []pair
	for range k {
		c := s.n(2)
		out = append(out, pair{pick(s, classes[c][1:]), labels[c]})
	}
	return out
}

// labelledReviews gives the two sentiments arbitrary labels.
func labelledReviews(s *stream, k int) []pair {
	labels := shuffledLabels(s)
	var out []pair
	for range k {
		text, good := corpusReview(s)
		out = append(out, pair{text, labels[good]})
	}
	return out
}

func shuffledLabels(s *stream) []string {
	l := pick(s, labelPairs)
	return sample(s, l[:], 2)
}

func pluralPairs(s *stream, k int) []pair {
	var out []pair
	for _, w := range sample(s, countable, k) {
		out = append(out, pair{"one " + w, "two " + plural(w)})
	}
	return out
}

func sumPairs(s *stream, k int) []pair {
	op := s.n(4)
	var out []pair
	for range k {
		st := drill(s, op)
		out = append(out, pair{"What is " + st.question() + "?", number(st.result)})
	}
	return out
}

// listPairs turn a list of words into one of its parts or another order.
// They show the skills that the instructions task asks for by name.
func listPairs(s *stream, k int) []pair {
	rule := s.n(4)
	var out []pair
	for range k {
		words := sample(s, listWords, s.between(2, 4))
		answer := ""
		switch rule {
		case 0:
			answer = words[0]
		case 1:
			answer = words[len(words)-1]
		case 2:
			answer = strings.Join(words, " ")
		case 3:
			answer = strings.Join(reversed(words), " ")
		}
		out = append(out, pair{strings.Join(words, " "), answer})
	}
	return out
}

func reversed(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[len(words)-1-i] = w
	}
	return out
}
