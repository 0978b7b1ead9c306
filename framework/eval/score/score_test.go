package score

import (
	"math"
	"testing"
)

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}

func TestArgmax(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		in   []float64
		want int
	}{{[]float64{1, 3, 3}, 1}, {[]float64{-5, -2, -9}, 1}, {nil, -1}, {[]float64{nan, -1}, 1}, {[]float64{nan}, -1},
		{[]float64{math.Inf(-1), math.Inf(-1)}, 0}} {
		if got := Argmax(c.in); got != c.want {
			t.Errorf("Argmax(%v) = %d, want %d", c.in, got, c.want)
		}
	}
}

func TestNormaliseByChars(t *testing.T) {
	got := NormaliseByChars([]float64{-6, -6, -2}, []string{"abc", "ééàüöß", ""})
	for i, want := range []float64{-2, -1, -2} {
		near(t, "option", got[i], want)
	}
}

func TestExactMatch(t *testing.T) {
	for _, c := range []struct {
		text, gold string
		want       bool
	}{
		{"Paris", "paris", true}, {"\n\n  Paris. \nBecause", "Paris", true}, {`"Paris."`, "paris", true},
		{`"Paris".`, "paris", true}, {"New   York", "new york", true}, {"“Lima”", "Lima", true},
		{"Paris, France", "Paris", false}, {"", "", false}, {".", ".", false}, {"London", "Paris", false}, {"'", "'", true},
	} {
		if got := ExactMatch(c.text, c.gold); got != c.want {
			t.Errorf("ExactMatch(%q, %q) = %v", c.text, c.gold, got)
		}
	}
}

func TestExtractNumber(t *testing.T) {
	for _, c := range []struct {
		text, want string
	}{
		{"The answer is 7. No wait. The answer is 12.", "12"}, {"the answer is: $1,234.50.", "1234.50"},
		{"5 + 6\n#### 11", "11"}, {"#### -1,000", "-1000"}, {"so 3 and then 42 apples", "42"},
		{"cost $2,500.", "2500"}, {"it is 9 ...", "9"}, {"no number here.", ""}, {"", ""}, {"The answer is -3", "-3"},
		{"The answer is 8. #### 9", "8"}, {"The answer is -$5.", "-5"}, {"18-5", "-5"},
	} {
		got, ok := ExtractNumber(c.text)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("ExtractNumber(%q) = %q, %v; want %q", c.text, got, ok, c.want)
		}
	}
}

func TestNumberMatch(t *testing.T) {
	for _, c := range []struct {
		texts []string
		gold  string
		want  bool
	}{
		{[]string{"The answer is 3.0."}, "3", true}, {[]string{"The answer is 1,000."}, "#### 1000", true},
		{[]string{"4"}, "3", false}, {[]string{"none"}, "3", false}, {nil, "3", false}, {[]string{"3"}, "three", false},
		{[]string{"5", "3", "3.0"}, "3", true}, {[]string{"5", "3"}, "3", false}, {[]string{"x", "3", "5"}, "3", true},
	} {
		if got := NumberMatch(c.texts, c.gold); got != c.want {
			t.Errorf("NumberMatch(%q, %q) = %v", c.texts, c.gold, got)
		}
	}
}

func TestWin(t *testing.T) {
	nan := math.NaN()
	for _, c := range [][3]float64{{2, 1, 1}, {1, 1, 0.5}, {0, 1, 0}, {nan, 1, 0}, {1, nan, 1}, {nan, nan, 0.5}} {
		near(t, "Win", Win(c[0], c[1]), c[2])
	}
}

func TestMean(t *testing.T) {
	m, se := Mean([]float64{1, 2, 3, 4})
	near(t, "mean", m, 2.5)
	near(t, "stderr", se, math.Sqrt(5.0/3)/2)
	m, se = Mean([]float64{7})
	near(t, "mean of one", m, 7)
	near(t, "stderr of one", se, math.NaN())
}

func TestMacroF1(t *testing.T) {
	// scikit-learn's documentation: f1_score([0,1,2,0,1,2], [0,2,1,0,0,1], average="macro") = 0.2666...
	near(t, "MacroF1", MacroF1([]int{0, 2, 1, 0, 0, 1}, []int{0, 1, 2, 0, 1, 2}, 3), 0.8/3)
	near(t, "absent label", MacroF1([]int{0, 1}, []int{0, 1}, 3), 1)
	near(t, "no prediction", MacroF1([]int{-1, 1}, []int{0, 1}, 2), 0.5)
}
