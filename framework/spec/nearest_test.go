package spec

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"rank", "alpha", "learning_rate", "target_modules"}
	for word, want := range map[string]string{
		"rnak": "rank", "ranks": "rank", "lr": "", "learningrate": "learning_rate", "target_module": "target_modules",
		"aplha": "alpha", "xyz": "", "": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: got %q, expected %q", word, got, want)
		}
	}
}
