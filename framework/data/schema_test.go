package data

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// paths lists every field of a struct with its path.
func paths(t reflect.Type, at string) (out []string) {
	eachField(t, func(key string, f reflect.StructField) {
		out = append(out, join(at, key))
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			out = append(out, paths(inner, join(at, key))...)
		}
	})
	return out
}

func TestEveryFieldIsDescribedInSchemaAndPage(t *testing.T) {
	page, err := os.ReadFile("TASKS.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := paths(reflect.TypeFor[TaskFile](), "")
	for _, f := range fields {
		if fieldDocs[f] == "" {
			t.Errorf("fieldDocs has nothing on %s", f)
		}
		if !strings.Contains(string(page), "| `"+f+"` |") {
			t.Errorf("TASKS.md has no row for %s", f)
		}
	}
	if len(fieldDocs) != len(fields) {
		t.Errorf("fieldDocs describes %d fields, a task file has %d", len(fieldDocs), len(fields))
	}
	for _, f := range Filters {
		if !strings.Contains(string(page), "`"+f.Name+"`") {
			t.Errorf("TASKS.md has nothing on the filter %s", f.Name)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(TaskSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("task.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("task.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML text as the schema's validator wants it.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The loader and the schema accept the page's examples, and refuse the same mistakes.
func TestSchemaAndLoaderAgree(t *testing.T) {
	s := compiled(t)
	page, err := os.ReadFile("TASKS.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 4 {
		t.Fatalf("TASKS.md has %d examples", len(examples))
	}
	for _, e := range examples {
		if err := s.Validate(asJSON(t, e[1])); err != nil {
			t.Errorf("the schema refuses an example of TASKS.md: %v\n%s", err, e[1])
		}
		if _, err := LoadTask(put(t, t.TempDir(), "task.yaml", e[1])); err != nil {
			t.Errorf("the loader refuses an example of TASKS.md: %v", err)
		}
	}
	const good = "kind: generation\nprompt: \"{q}\"\nanswer: \"{a}\"\n"
	for _, bad := range []string{
		good + "data: {train: a.csv, test: b.csv}\npromt: x\n",
		good + "data: {train: a.csv, tets: b.csv}\n",
		good + "data: {file: a.csv, split: {dev: 0.5}}\n",
		good + "data: {file: a.csv, format: xml}\n",
		good + "data: {file: a.csv, validation_fraction: 2}\n",
		good + "data: {train: a.csv, test: b.csv}\noverlap: keep\n",
		good + "data: {train: a.csv, test: b.csv}\nmax_new_tokens: -1\n",
		good + "data: {train: a.csv, test: b.csv}\nstop: {a: b}\n",
		"kind: poem\nprompt: x\ndata: {file: a.csv}\n",
		good,
	} {
		if s.Validate(asJSON(t, bad)) == nil {
			t.Errorf("the schema accepts\n%s", bad)
		}
		if _, err := LoadTask(put(t, t.TempDir(), "task.yaml", bad)); err == nil {
			t.Errorf("the loader accepts\n%s", bad)
		}
	}
}
