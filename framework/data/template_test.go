package data

import "testing"

func TestTemplates(t *testing.T) {
	row := map[string]any{
		"q": " Why? ", "empty": " ", "answer": "2 * 3 = <<2*3=6>>6 eggs\n#### 1,006",
		"list": []any{"a", "b"}, "o": map[string]any{"k": "v"},
	}
	for src, want := range map[string]string{
		"{q}|":                            " Why? |",
		"{q|trim}|":                       "Why?|",
		"{{{q|trim}}} [[[[x]] ]]":         "{Why?} [[x]] ]]",
		"{answer|after:####}":             "1,006",
		"{answer|after:####|number}":      "1006",
		"{answer|before:####|strip_calc}": "2 * 3 = 6 eggs",
		"{list|join:, } {list.1} {o.k}":   "a, b b v",
		"a[[ {q|trim}]]b":                 "a Why?b",
		"a[[ {q} {empty}]]b":              "ab",
		"a[[ {missing}]]b":                "ab",
		"{?q}yes{/q}{?empty}no{/empty}{^empty}none{/empty}": "yesnone",
	} {
		tpl, err := ParseTemplate("prompt", src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := tpl.Render(row); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", src, got, err, want)
		}
	}
	for src, want := range map[string]string{
		"{nope}":              `template prompt: unknown field "nope"; the row has answer, empty, list, o, q`,
		"{q|after:####}":      `does not contain "####"`,
		"{list}":              "it is a list",
		"{answer|number|x":    "a { that is not closed",
		"a}":                  "closes nothing",
		"{q|upper}":           `unknown filter "upper"`,
		"{q|after}":           "is written after:X",
		"[[ {q}":              "[[ is not closed",
		"[[ x ]]":             "names no field",
		"[[ {q} [[ {o.k}]]]]": "do not nest",
		"{?q}x":               "not closed",
	} {
		tpl, err := ParseTemplate("prompt", src)
		if err == nil {
			_, err = tpl.Render(row)
		}
		wants(t, err, want, "template prompt")
	}
}
