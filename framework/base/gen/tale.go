package gen

import "strings"

// taleDoc is a short story of everyday words, for plain sentences outside
// every task.
func taleDoc(s *stream) string {
	who := pick(s, people)
	other := pick(s, people)
	for other.name == who.name {
		other = pick(s, people)
	}
	i := s.n(len(opposites)/2) * 2
	animal, thing, color := pick(s, categories[1][1:]), pick(s, categories[4][1:]), pick(s, categories[2][1:])
	r := strings.NewReplacer("{who}", who.name, "{he}", who.he, "{other}", other.name, "{animal}", animal,
		"{thing}", thing, "{color}", color, "{a}", opposites[i], "{b}", opposites[i+1],
		"{city}", pick(s, places).capital, "{fruit}", pick(s, fruits))
	lines := []string{
		"{he} saw a {animal} near the {thing}.", "The {animal} was {color}.", "{other} was there too.",
		"{he} gave {other} a {color} {thing}.", "They went to {city} by train.", "They ate {fruit} in the garden.",
		"The opposite of {a} is {b}.", "The first word was {a} and the last word was {b}.", "{other} made a list of words.",
		"Then it was night.", "{other} was happy.",
	}
	start := pick(s, []string{"One day {who} went out.", "{who} lives in {city}.", "{who} has a {animal}."})
	return r.Replace(start + " " + strings.Join(sample(s, lines, s.between(3, 6)), " "))
}
