package jinja

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Each expression walks through a quarter of a megabyte of text, or does as much work, in
// a few steps. A thousand of them stay far below the limit if nothing but steps
// counts.
func TestReadingCounts(t *testing.T) {
	const size = 1 << 18
	object := &Dict{}
	for i := range 3000 {
		object.Set("k"+itoa(i), int64(i))
	}
	pattern := strings.Repeat("abbabaabbaababbabaababbaabbabaab", 40)
	vars := map[string]any{
		"s": strings.Repeat("x", size), "u": strings.Repeat("é", size/2), "same": strings.Repeat("x", size-1) + "y",
		"a": strings.Repeat("a", size/1000), "ab": strings.Repeat("a", size/2000) + "b", "pattern": pattern,
		"d": object, "big": &List{[]any{strings.Repeat("x", size)}},
	}
	for _, e := range []string{
		"s|length", "s|count", "s[-1]", "u[-1]", "s[5:9]", "u[::-100000]", "s[1]", "s|last == 0",
		"s == same", "s < same", "[s] == [same]", "'y' in s", "s in d", "d[s]", "d.get(s)", "{s: 1}", "{(s, 1): 1}",
		"s is lower", "s is in d", "s is eq same", "s.isalpha()", "u.istitle()", "s.isascii()",
		"s.find('y')", "s.rfind('y')", "s.count('y')", "s.index('x', 262000)", "s.startswith('x', 262000)",
		"s.startswith((same,) * 100)", "s.strip('y')", "a.strip('b' * 1000 + 'a')", "s.partition('y')", "s.split('y', 0)", "s.rsplit(maxsplit=0)",
		"ab in a * 1000", "(a * 1000).rfind('b' + a)",
		"s|truncate", "s|wordcount", "s|int", "s|float", "s|first and s|length", "s|default(s)", "s|attr(s)", "s|replace('y', '')",
		"'%.1s' % s", "'%.1s' * 100 % ((s[:9999],) * 100)", "'{:.1}'.format(s)",
		"9 ** 20000 // 7 ** 20000", "(9 ** 20000)|round(-1)", "9 ** 20000 in d",
		"dict(**d)", "('{k2999}' * 100).format(**d)", "('{k2999}' * 100).format_map(d)",
		"big|map(attribute='0.0.0.0.0.0.0.0.0.0.' * 100, default=big)|list", "big|unique|list",
	} {
		_, err := render("{% for i in range(1000) %}{% if "+e+" %}{% endif %}{% endfor %}", vars, Options{Limits: Limits{Steps: 100_000, Memory: 1 << 30}})
		var fault *Error
		if !errors.As(err, &fault) || fault.Kind != Limit {
			t.Errorf("%s: %v", e, err)
		}
	}
	names := strings.Builder{}
	for i := range 10_000 {
		names.WriteString("{{ n" + itoa(i) + " }}")
	}
	for name, source := range map[string]string{
		"a loop over a text":   "{% for i in range(1000) %}{% for c in s %}{% break %}{% endfor %}{% endfor %}",
		"a name":               "{{ " + strings.Repeat("n", 10_000) + " }}",
		"names that are never": "{% for i in range(1000) %}{% for j in [1] %}{% if false %}" + names.String() + "{% endif %}{% endfor %}{% endfor %}",
		"names that are kept":  "{% for i in range(1000) %}{% macro m() %}{% endmacro %}{% if false %}" + names.String() + "{% endif %}{% endfor %}",
	} {
		_, err := render(source, vars, Options{Limits: Limits{Steps: 100_000}})
		var fault *Error
		if !errors.As(err, &fault) || fault.Kind != Limit {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What these make is a small part of the memory twice, and more than all of it
// when it is made 400 times.
func TestMakingCounts(t *testing.T) {
	vars := map[string]any{"s": strings.Repeat("x", 1<<16), "words": strings.Repeat("a ", 1<<13), "d": &Dict{}}
	for i := range 2000 {
		vars["d"].(*Dict).Set(itoa(i), int64(i))
	}
	for _, e := range []string{
		"s|truncate(60000)", "dict.fromkeys(range(2000))", "{}.fromkeys(range(2000), 1)", "dict(d)", "s.expandtabs()",
		"words.split()", "words.rsplit()", "words.split(' ')", "words.rsplit(' ')", "words.replace(' ', '\n').splitlines()",
		"s|indent", "s|e", "s|safe + s", "s|tojson", "'%r' % (s,)", "s[::-1]", "strftime_now('%c' * 5000)", "s.center(99999)",
	} {
		for times, limited := range map[string]bool{"2": false, "400": true} {
			_, err := render("{% set ns = namespace(x=[]) %}{% for i in range("+times+") %}{% set ns.x = ns.x + ["+e+"] %}{% endfor %}", vars,
				Options{Limits: Limits{Memory: 1 << 24}})
			var fault *Error
			if is := errors.As(err, &fault) && fault.Kind == Limit; is != limited || err != nil && !is {
				t.Errorf("%s, %s times: %v", e, times, err)
			}
		}
	}
}

// A long conversation under a template that looks at it often is nothing
// hostile.
func TestLongConversationsRender(t *testing.T) {
	const source = "{% for m in messages %}{% if m.content is string and '</think>' in m.content %}" +
		"{{ m.content.split('</think>')[-1].lstrip('\\n')|trim }}{% elif m.content.startswith('<tool') and m.content.endswith('tool>') %}" +
		"{{ m.content[6:-7] }}{% else %}{{ m.content|trim ~ m.content|length }}{% endif %}{% endfor %}"
	list := &List{}
	for range 40 {
		m := &Dict{}
		m.Set("content", strings.Repeat("some words, ", 1<<14))
		list.Items = append(list.Items, m)
	}
	got, err := render(source, map[string]any{"messages": list}, Options{})
	if err != nil || len(got) < 40*12<<14-80 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestSearchIsStrings(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(most int) string {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = "aab"[rng.IntN(3)]
		}
		return string(b)
	}
	for range 2000 {
		s, sub, with := word(300), word(4), word(5)
		if at := rng.IntN(len(s) + 1); rng.IntN(2) == 0 {
			sub = s[at:min(len(s), at+rng.IntN(100))]
		}
		most := rng.IntN(5) - 1
		r := &run{limits: Limits{}.withDefaults()}
		i, err1 := r.index(s, sub)
		j, err2 := r.lastIndex(s, sub)
		n, err3 := r.count(s, sub)
		replaced, err4 := r.replace(s, sub, with, most)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if i != strings.Index(s, sub) || j != strings.LastIndex(s, sub) || n != strings.Count(s, sub) || replaced != strings.Replace(s, sub, with, most) {
			t.Errorf("%q in %q: first %d, last %d, %d times, %q", sub, s, i, j, n, replaced)
		}
	}
}

func TestCharactersAreRunes(t *testing.T) {
	runes := []rune("aé漢😀b")
	s := string(runes)
	for from := range len(runes) + 1 {
		for to := from; to <= len(runes); to++ {
			if got, want := characters(s, from, to), string(runes[from:to]); got != want {
				t.Errorf("[%d:%d] is %q, want %q", from, to, got, want)
			}
		}
	}
	backwards := slices.Clone(runes)
	slices.Reverse(backwards)
	if got := stepped(s, 4, -1, 5); got != string(backwards) {
		t.Errorf("backwards %q", got)
	}
	if got := stepped(s, 4, -2, 3) + stepped(s, 1, 2, 2); got != "b漢aé😀" {
		t.Errorf("by twos %q", got)
	}
}

// Keys of any length are found, whoever put them.
func TestLongKeysAreFound(t *testing.T) {
	key := strings.Repeat("k", 100)
	v, err := FromJSON([]byte(`{"` + key + `": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := render("{{ d[k] }} {{ k in d }} {{ d.get(k) }} {{ dict(**d)[k] }}", map[string]any{"d": v, "k": key}, Options{})
	if err != nil || got != "1 True 1 1" {
		t.Errorf("%q, %v", got, err)
	}
}
