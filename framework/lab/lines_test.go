package lab

import (
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

func TestLinesSayWhatIsWrong(t *testing.T) {
	const ids, text = `expected {"ids": [1, 2, 3]}`, `expected {"text": "..."}`
	for _, c := range []struct {
		in, want string
		ids      bool
	}{
		{"\xef\xbb\xbf{\"ids\": [1]}\r\n\n", "", true},
		{"\n{\"ids\": \"x\"}", "f:2: ids: found a string, expected an array; " + ids, true},
		{`{"ids": [1, 1.5]}`, "f:1: ids: found number 1.5, expected an integer; " + ids, true},
		{`{"ids": [1`, "f:1: not valid JSON: unexpected EOF; " + ids, true},
		{`{"ids": []}`, "f:1: " + ids, true},
		{`{"ids": [1], "n": 2}`, `f:1: unknown field "n"; ` + ids, true},
		{`{"text": 1}`, "f:1: text: found a number, expected a string; " + text, false},
		{`[1]`, "f:1: found an array, expected an object; " + text, false},
		{"{\"text\": \"a\"}\n{\"ids\": [1]}", "f:2: " + text, false},
		{" \n", "f: no line in it", false},
	} {
		got := ""
		if _, err := ReadLines(strings.NewReader(c.in), "f", c.ids); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.in, got, c.want)
		}
	}
	in, err := ReadJSONL[ToTokenize](strings.NewReader("\xef\xbb\xbf{\"text\": \"\xef\xbb\xbfa\"}\n"), "f")
	if err != nil || len(in) != 1 || in[0].Text != "\ufeffa" {
		t.Errorf("%v, %v", in, err)
	}
}

// Errors count as people do, and name the file where there is one.
func TestErrorsNameTheLine(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	m, err := (Models{}).Open(t.Context(), dir, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	in := []Line{{IDs: []int{1}}, {IDs: []int{1 << 20}}}
	for _, want := range []string{"line 2: ", "f:7: "} {
		if _, err := m.Generate(t.Context(), in, GenerateOptions{MaxNewTokens: 1}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("generate: %v, want %s", err, want)
		}
		if _, err := m.Score(in, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("score: %v, want %s", err, want)
		}
		in[1].Where = "f:7"
	}
}
