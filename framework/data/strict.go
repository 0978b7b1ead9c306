package data

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

type strictError struct {
	line int
	text string
}

// knownFields walks a task file's YAML beside the struct it is read into. It
// gives the paths of the keys that stand in it and every key that does not
// belong.
func knownFields(doc *yaml.Node) (map[string]bool, []strictError) {
	given := map[string]bool{}
	if len(doc.Content) == 0 {
		return given, []strictError{{1, "the task file is empty; TASKS.md shows what one holds"}}
	}
	return given, walkKeys(doc.Content[0], reflect.TypeFor[TaskFile](), "", given)
}

func walkKeys(n *yaml.Node, t reflect.Type, path string, given map[string]bool) (bad []strictError) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		what := "the task file"
		if path != "" {
			what = path
		}
		return []strictError{{n.Line, fmt.Sprintf("%s holds fields (%s), not a single value", what, strings.Join(fieldNames(t), ", "))}}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "<<" { // a merge takes the keys of another mapping of the file
			bad = append(bad, walkKeys(value, t, path, given)...)
			continue
		}
		at := join(path, key.Value)
		f, ok := fieldByKey(t, key.Value)
		if !ok {
			where := "a task file"
			if path != "" {
				where = path
			}
			bad = append(bad, strictError{key.Line, fmt.Sprintf("%s: unknown field; %s has: %s", at, where, strings.Join(fieldNames(t), ", "))})
			continue
		}
		given[at] = true
		if (f.Kind() == reflect.Struct || f.Kind() == reflect.Pointer) && value.Tag == "!!null" {
			continue
		}
		bad = append(bad, walkKeys(value, f, at, given)...)
	}
	return bad
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// eachField calls f for every YAML field of struct type t, inlined ones too.
func eachField(t reflect.Type, f func(key string, field reflect.StructField)) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag, opts, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case opts == "inline":
			eachField(field.Type, f)
		case tag != "-" && field.IsExported():
			f(tag, field)
		}
	}
}

func fieldNames(t reflect.Type) (out []string) {
	eachField(t, func(key string, _ reflect.StructField) { out = append(out, key) })
	return out
}

func fieldByKey(t reflect.Type, want string) (out reflect.Type, ok bool) {
	eachField(t, func(key string, f reflect.StructField) {
		if key == want {
			out, ok = f.Type, true
		}
	})
	return out, ok
}
