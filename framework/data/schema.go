package data

import (
	"encoding/json"
	"reflect"

	"github.com/tunelab/tunelab/framework/spec"
)

// TaskSchema is the JSON Schema (draft 2020-12) of a task file, made from
// [TaskFile] itself, for editors that check YAML as it is typed.
func TaskSchema() []byte {
	root := objectSchema(reflect.TypeFor[TaskFile](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "tunelab task file"
	root["required"] = []string{"kind", "prompt", "data"}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("data: the task schema is made of maps and strings: " + err.Error())
	}
	return append(out, '\n')
}

func objectSchema(t reflect.Type, path string) map[string]any {
	properties := map[string]any{}
	eachField(t, func(key string, f reflect.StructField) {
		at := join(path, key)
		var p map[string]any
		switch f.Type.Kind() {
		case reflect.Pointer:
			p = objectSchema(f.Type.Elem(), at)
		case reflect.Struct:
			p = objectSchema(f.Type, at)
		case reflect.String:
			p = map[string]any{"type": "string"}
		case reflect.Slice:
			p = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
		case reflect.Float64:
			p = map[string]any{"type": "number", "minimum": 0, "exclusiveMaximum": 1}
		case reflect.Int:
			p = map[string]any{"type": "integer", "minimum": 0}
		case reflect.Int64:
			p = map[string]any{"type": "integer"}
		default:
			panic("data: task field " + at + " has a type the schema does not know: " + f.Type.String())
		}
		if choices := fieldChoices[at]; choices != nil {
			p["enum"] = choices
		}
		p["description"] = fieldDocs[at]
		properties[key] = p
	})
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

var fieldChoices = map[string][]string{
	"kind":        kinds,
	"overlap":     {OverlapError, OverlapReport, OverlapDrop},
	"data.format": Formats,
}

// fieldDocs describes each field of a task file; TASKS.md says more. A test
// holds the three together: struct, schema, page.
var fieldDocs = map[string]string{
	"name":           "What tables call the task. Default: the file's name without its ending.",
	"kind":           "What an answer is: " + spec.Classification + ", " + spec.Generation + ", " + spec.Instruction + " or " + spec.Preference + ".",
	"prompt":         "Template of the question, such as \"Question: {question}\\nAnswer:\".",
	"input":          "Template of the bare input, for classifiers on top of the model. Default: prompt.",
	"answer":         "Template of the answer, such as \"{answer}\". Default: the label's name, or the right choice, or chosen.",
	"delimiter":      "Stands between prompt and answer. Default: one space.",
	"separator":      "Stands between in-context examples. Default: two newlines.",
	"label":          "Field with the label: a name in labels (or choices), or its index from 0.",
	"labels":         "Classification: the labels' names in the order of their indices. Default: the names that stand in the training rows, sorted.",
	"choices":        "Generation: field with the row's list of options.",
	"reasoning":      "Template of worked reasoning that ends in the answer, for chain-of-thought examples.",
	"chosen":         "Preference: template of the better response.",
	"rejected":       "Preference: template of the worse response.",
	"metric":         "The score of the table. Default by kind: accuracy, exact_match, completion_loss, and win_rate with gold or reward_accuracy without.",
	"stop":           "Generation ends before any of these texts.",
	"max_new_tokens": "Most tokens that an answer may have. Default: 64.",
	"max_length":     "Training examples are cut at this many tokens. Default 0: the model's context.",
	"description":    "What the task is, for people.",
	"gold":           "Name of a registered gold reward, which the metric win_rate needs; methods never see it.",
	"overlap":        "A prompt that stands in two splits: error (default) refuses, report keeps it and gives scores with and without, drop removes the training side's copy.",
	"data":           "Where the rows are: train and test (and validation) files, or one file to split.",

	"data.train":               "File of training rows. Paths start at the task file's folder.",
	"data.validation":          "File of validation rows. Default: taken from train, see validation_fraction.",
	"data.test":                "File of test rows.",
	"data.file":                "One file for split to divide, instead of train, validation and test.",
	"data.format":              "Format of every file. Default: by its ending (.json an array, .jsonl or .ndjson, .csv, .tsv, .parquet).",
	"data.split":               "Fractions of data.file, and the seed of the split.",
	"data.split.train":         "Fraction of the file's rows. The three sum to 1; default 0.8.",
	"data.split.validation":    "Fraction of the file's rows; default 0.1. At 0 beside other fractions, the split is taken from train.",
	"data.split.test":          "Fraction of the file's rows; default 0.1.",
	"data.split.seed":          "Seed of the split, the same for every run. Default: 0.",
	"data.validation_fraction": "Part of train that becomes the validation split when no other rows do. Default 0.1; 0 for none.",
	"data.id":                  "Field with an id that is unique over all splits. Default: split and row number.",
	"data.fields":              "Further fields that methods may see. Default: only those that the templates use; never a field with answers, in test items.",
}
