package jinja

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestHostileTemplates(t *testing.T) {
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	for name, source := range map[string]string{
		"long loops":            "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
		"output":                "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
		"doubling text":         "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"doubling lists":        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"replace":               "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x|replace('a', 'aa') %}{% endfor %}",
		"join":                  "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x.join(['b', 'b', 'b']) %}{% endfor %}",
		"repeat":                "{{ 'x' * 10 ** 12 }}",
		"repeat a list":         "{{ [1] * 10 ** 30 }}",
		"pad":                   "{{ 'x'.center(10 ** 11) }}",
		"width":                 "{{ '%999999999d' % 1 }}",
		"format width":          "{{ '{:999999999}'.format(1) }}",
		"percent":               "{% set ns = namespace(x=[]) %}{% set s = 'x' * 1000000 %}{% for i in range(300) %}{% set ns.x = ns.x + [s % ()] %}{% endfor %}",
		"format text":           "{% set ns = namespace(x=[]) %}{% set s = 'x' * 1000000 %}{% for i in range(300) %}{% set ns.x = ns.x + [s.format()] %}{% endfor %}",
		"escapes":               "{% set ns = namespace(x=[]) %}{% set s = 'x' * 1000000 %}{% for i in range(300) %}{% set ns.x = ns.x + [s|e] %}{% endfor %}",
		"sort keys":             "{{ range(30)|sort(attribute=',' * 1000000) }}",
		"indent":                "{{ 'x'|indent(10 ** 10, true) }}",
		"JSON indent":           "{{ [1]|tojson(indent=10 ** 10) }}",
		"batch":                 "{{ [1]|batch(10 ** 11, 0)|list }}",
		"power":                 "{{ 9 ** (9 ** 9) }}",
		"square again":          "{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
		"endless macro":         "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"two endless macros":    "{% macro a() %}{% if true %}{{ b() }}{% endif %}{% endmacro %}{% macro b() %}{% for i in [1] %}{{ a() }}{% endfor %}{% endmacro %}{{ a() }}",
		"a namespace in itself": "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
		"a deep list":           "{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
		"a deep list as JSON":   "{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}",
		"deep lists compared":   "{% set ns = namespace(x=[], y=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
		"wide lists compared":   "{% set ns = namespace(x=[], y=[]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
		"a wide list printed":   "{% set ns = namespace(x=[]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
		"a wide key":            "{% set ns = namespace(x=()) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
		"brackets":              "{{ " + many(1000, "(") + "1" + many(1000, ")") + " }}",
		"signs":                 "{{ " + many(100000, "-") + "1 }}",
		"a long sum":            "{{ 1" + many(100000, " + 1") + " }}",
		"a long chain":          "{{ a" + many(100000, ".a") + " }}",
		"many filters":          "{{ 1" + many(50000, "|string") + " }}",
		"nested tags":           many(1000, "{% if true %}") + many(1000, "{% endif %}"),
		"many names and ifs":    many(8000, "{{ a$ }}") + many(8000, "{% if true %}{% endif %}"),
		"a long template":       many(Longest+1, "x"),
		"an exponential filter": "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = ns.x|map('string')|list + ns.x %}{% endfor %}",
	} {
		if name == "many names and ifs" {
			for i := 0; strings.Contains(source, "$"); i++ {
				source = strings.Replace(source, "$", itoa(i), 1)
			}
		}
		start := time.Now()
		_, err := render(source, nil, Options{Limits: Limits{Steps: 500_000, Memory: 16 << 20}})
		var e *Error
		if !errors.As(err, &e) || e.Kind != Limit {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func TestLimitsAreTheCallers(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		source string
	}{
		{Limits{Output: 10}, "{{ 'x' * 11 }}"},
		{Limits{Steps: 20}, "{% for i in range(30) %}{% endfor %}"},
		{Limits{Memory: 100}, "{% set x = 'x' * 101 %}"},
		{Limits{Depth: 20}, "{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(20) }}"},
	} {
		var e *Error
		if _, err := render(c.source, nil, Options{Limits: c.limits}); !errors.As(err, &e) || e.Kind != Limit {
			t.Errorf("%q under %+v: %v", c.source, c.limits, err)
		}
		if _, err := render(c.source, nil, Options{}); err != nil {
			t.Errorf("%q: %v", c.source, err)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for source, want := range map[string]string{
		"a\n\n{{ x.y }}": "line 3: UndefinedError: 'x' is undefined",
		"a\n{% if %}":    "line 2: TemplateSyntaxError",
		"{# \n\n #}\n{{ raise_exception('no') }}": "line 4: TemplateError: no",
		"{{ 1|groupby('x') }}":                    "line 1: unsupported: the filter groupby",
		"{{ joiner() }}":                          "line 1: unsupported: the function joiner",
		"\n{% block x %}{% endblock %}":           "line 2: unsupported: the tag block",
		"{{ '\\N{DASH}' }}":                       `line 1: unsupported: \N{...}`,
		"{{ (5).bit_length() }}":                  "line 1: unsupported: bit_length of a int",
		"{{ x.encode() }}":                        "line 1: UndefinedError: 'x' is undefined",
		"{{ 'x'.encode() }}":                      "line 1: unsupported: encode of a str",
		"{{ [1].append }}{{ [1].append(2) }}":     "line 1: SecurityError: access to attribute 'append' of 'list' object is unsafe.",
	} {
		if _, err := render(source, nil, Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", source, err, want)
		}
	}
}

func TestFromJSON(t *testing.T) {
	v, err := FromJSON([]byte(`{"b": [1, 1.0, -0, 1e400, 12345678901234567890, true, null, "é"], "a": {}, "b2": 1, "a": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := repr(v); s != "{'b': [1, 1.0, 0, inf, 12345678901234567890, True, None, 'é'], 'a': 2, 'b2': 1}" {
		t.Error(s)
	}
	for _, bad := range []string{"", "{", "[1,]", "1 2", `{"a"}`, "nul", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("9", 5000)} {
		if v, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%.20q gave %v", bad, v)
		}
	}
}

func FuzzRender(f *testing.F) {
	raw, err := os.ReadFile("testdata/expressions.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Vars  json.RawMessage
		Cases [][2]json.RawMessage
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(file.Cases); i += 7 {
		var source string
		if err := json.Unmarshal(file.Cases[i][0], &source); err != nil {
			f.Fatal(err)
		}
		f.Add(source, string(file.Vars))
	}
	files, err := os.ReadDir("../testdata/templates")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range files {
		source, err := os.ReadFile("../testdata/templates/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source), `{"messages": [{"role": "user", "content": "hi"}], "tools": [{"function": {"name": "f", "parameters": {"properties": {}}}}], "bos_token": "<s>"}`)
	}
	now := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, source, vars string) {
		v, err := FromJSON([]byte(vars))
		if err != nil {
			return
		}
		d, ok := v.(*Dict)
		if !ok {
			return
		}
		m := map[string]any{}
		for k, v := range d.All {
			m[k.(string)] = v
		}
		o := Options{Limits: Limits{Output: 1 << 16, Steps: 100_000, Memory: 1 << 20, Depth: 500}, Now: func() time.Time { return now }}
		first, err := render(source, m, o)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Kind == "" || first != "") {
			t.Errorf("%T %v beside %q", err, err, first)
		}
		if again, err2 := render(source, m, o); again != first || (err == nil) != (err2 == nil) {
			t.Errorf("%q (%v), then %q (%v)", first, err, again, err2)
		}
	})
}

// Keys and undefined values are bounded by themselves: they name long texts and
// do not keep them.
func TestLongTextsAreNotKept(t *testing.T) {
	for name, source := range map[string]string{
		"keys":      "{{ dict.fromkeys(range(200), 'x' * 1000000).items()|unique|list|length }}",
		"undefined": "{{ range(200)|map(attribute='x' * 1000000)|list|length }}",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := render(source, nil, Options{Limits: Limits{Memory: 16 << 20}})
		runtime.ReadMemStats(&after)
		if err != nil || got != "200" {
			t.Errorf("%s: %.40s, %v", name, got, err)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
			t.Errorf("%s: %d MiB were allocated", name, mib)
		}
	}
}
