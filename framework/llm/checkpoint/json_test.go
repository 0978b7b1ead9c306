package checkpoint

import "testing"

func TestParseJSONSaysWhatIsWrong(t *testing.T) {
	var v struct {
		N    int
		List []int `json:"list"`
		In   struct {
			F *float64 `json:"f"`
		} `json:"in"`
		Is bool `json:"is"`
	}
	for raw, want := range map[string]string{
		"\xef\xbb\xbf{}":       "not valid JSON: the file begins with a byte order mark; save it as UTF-8 without one",
		`{"list": "x"}`:        "list: found a string, expected an array",
		`{"list": [1, "x"]}`:   "list: found a string, expected an integer",
		`{"list": [1, 1.5]}`:   "list: found number 1.5, expected an integer",
		`{"in": {"f": true}}`:  "in.f: found a bool, expected a number",
		`{"in": []}`:           "in: found an array, expected an object",
		`{"is": {}}`:           "is: found an object, expected true or false",
		`[]`:                   "found an array, expected an object",
		`{"list": [1}`:         "not valid JSON: invalid character '}' after array element",
		`{"N": 1, "in": null}`: "",
	} {
		got := ""
		if err := ParseJSON([]byte(raw), &v); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}
