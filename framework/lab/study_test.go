package lab

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// fields lists the YAML paths of a struct, "methods[].name".
func fields(t reflect.Type, path string, out map[string]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || key == "-" {
			continue
		}
		at := path + key
		out[at] = true
		switch {
		case f.Type.Kind() == reflect.Struct:
			fields(f.Type, at+".", out)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			fields(f.Type.Elem(), at+"[].", out)
		}
	}
}

func schemaFields(node map[string]any, path string, out map[string]bool) {
	props, _ := node["properties"].(map[string]any)
	for k, v := range props {
		child := v.(map[string]any)
		out[path+k] = true
		schemaFields(child, path+k+".", out)
		if items, ok := child["items"].(map[string]any); ok {
			schemaFields(items, path+k+"[].", out)
		}
	}
}

func TestStudyFieldsStandInSchemaAndPage(t *testing.T) {
	want, got := map[string]bool{}, map[string]bool{}
	fields(reflect.TypeFor[Study](), "", want)
	var root map[string]any
	if err := json.Unmarshal(StudySchema(), &root); err != nil {
		t.Fatal(err)
	}
	schemaFields(root, "", got)
	page, err := os.ReadFile("STUDIES.md")
	if err != nil {
		t.Fatal(err)
	}
	for f := range want {
		if !got[f] {
			t.Errorf("study.schema.json lacks %s", f)
		}
		if !strings.Contains(string(page), "`"+f+"`") {
			t.Errorf("STUDIES.md lacks %s", f)
		}
	}
	for f := range got {
		if !want[f] {
			t.Errorf("study.schema.json has %s, which no study has", f)
		}
	}
}

// yamlAsJSON is a YAML text in the types that a JSON Schema validates.
func yamlAsJSON(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDemoAndExampleFollowTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(StudySchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("study.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("study.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("STUDIES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	for name, raw := range map[string][]byte{"demo.yaml": demoYAML, "STUDIES.md": []byte(example)} {
		if err := schema.Validate(yamlAsJSON(t, raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := parseStudy(raw, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if schema.Validate(yamlAsJSON(t, []byte("tasks: [a]\nmethods: [{name: lora, rank: 3}]"))) == nil {
		t.Error("the schema takes an unknown field of a method")
	}
}

func TestStudyMistakesNameTheirField(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"tasks: [a]\nmethods: [{name: lora}]\nsede: [1]", "sede"},
		{"tasks: [a]\nmethods: [{name: lora, parms: {rank: 3}}]", "parms"},
		{"methods: [{name: lora}]", "tasks: no task"},
		{"tasks: [a]", "methods: no method"},
		{"tasks: [a]\nmethods: [{name: lora}, {name: lora}]", `methods[1].label: "lora" stands twice`},
		{"tasks: [a]\nmethods: [{name: lora}]\nseeds: [3, 3]", "seeds[1]: seed 3 stands twice"},
		{"tasks: [a]\nmethods: [{name: lora, sweep: {rank: [1, 2]}}]", "methods[0].sweep: 2 combinations"},
		{"tasks: [a]\nmethods: [{name: lora}]\nbudget: {match: tokens}", "budget.max_tokens"},
		{"tasks: [a]\nmethods: [{name: lora}]\ncompute: {precision: f16}", "compute.precision"},
		{"tasks: [a]\nmethods: [{name: lora}]\nbudget: {limits: {open_files: -1}}", "budget.limits"},
		{"tasks: [a\n", "study.yaml"},
	} {
		path := filepath.Join(t.TempDir(), "study.yaml")
		if err := os.WriteFile(path, []byte(c.yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := LoadStudy(path)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want it to say %q", c.yaml, err, c.want)
		}
	}
	if _, err := LoadStudy(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}

// Errors speak of the file and not of this program's types.
func TestStudyErrorsAreForPeople(t *testing.T) {
	_, err := parseStudy([]byte("name: a\nbudget: {exmaples: 3}\nfoo: 1\n"), "s.yaml")
	if err == nil || !strings.Contains(err.Error(), "line 2: unknown field exmaples; line 3: unknown field foo") {
		t.Errorf("%v", err)
	}
	if _, err := Task("sentimnet"); err == nil || !strings.Contains(err.Error(), "did you mean sentiment?") {
		t.Errorf("%v", err)
	}
}
