package data

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

func TestReadersGiveRowsWithTheirLines(t *testing.T) {
	num := func(s string) any { return json.Number(s) }
	for _, c := range []struct {
		file, text string
		want       []map[string]any
		lines      []int
	}{
		{"a.json", "\xef\xbb\xbf[\n  {\"t\": \"x\",\n   \"n\": 1.50},\n\n  {\"t\": null, \"n\": [1]}\n]\n",
			rows{{"t": "x", "n": num("1.50")}, {"t": nil, "n": []any{num("1")}}}, []int{2, 5}},
		{"a.jsonl", "{\"t\":\"x\"}\r\n\n{\"t\":\"y\"}", rows{{"t": "x"}, {"t": "y"}}, []int{1, 3}},
		{"a.ndjson", "{\"t\":9007199254740993}\n", rows{{"t": num("9007199254740993")}}, []int{1}},
		{"a.csv", "t,label\n\"a, \"\"b\"\"\nc\",0\nplain,1\n", rows{{"t": "a, \"b\"\nc", "label": "0"}, {"t": "plain", "label": "1"}}, []int{2, 4}},
		{"a.tsv", "t\tlabel\r\nsay \"hi\", you\t0\r\n\n\t1\n", rows{{"t": `say "hi", you`, "label": "0"}, {"t": "", "label": "1"}}, []int{2, 4}},
	} {
		got, err := ReadRows(put(t, t.TempDir(), c.file, c.text), "")
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		for i, r := range got {
			if i >= len(c.want) || !reflect.DeepEqual(r.Fields, c.want[i]) || r.Line != c.lines[i] {
				t.Errorf("%s row %d is %v on line %d; want %v, %v", c.file, i, r.Fields, r.Line, c.want, c.lines)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s has %d rows, want %d", c.file, len(got), len(c.want))
		}
	}
}

func TestBrokenFilesNameTheirLine(t *testing.T) {
	for _, c := range []struct {
		file, text string
		says       []string
	}{
		{"a.csv", "q,a\nx,1\ny,2,3\n", []string{"a.csv:3", "expected 2 fields (q, a), found 3"}},
		{"a.csv", "q,a\nx\n", []string{"a.csv:2", "expected 2 fields", "found 1"}},
		{"a.csv", "q,a\nx,1\n\"y,2\n", []string{"a.csv:3:6", "quote"}},
		{"a.csv", "q,a\nx \"y\" z,2\n", []string{"a.csv:2:3", "doubled"}},
		{"a.csv", "q,q\n1,2\n", []string{"a.csv:1", `two columns are named "q"`}},
		{"a.csv", "q,\n1,2\n", []string{"a.csv:1", "column 2 has no name"}},
		{"a.csv", "q,a\n", []string{"a.csv", "no rows"}},
		{"a.tsv", "q\ta\n1 2\n", []string{"a.tsv:2", "expected 2 fields", "found 1"}},
		{"a.jsonl", "{\"q\":1}\n{\"q\" 2}\n", []string{"a.jsonl:2:6"}},
		{"a.jsonl", "{\"q\":1}\n{\"q\":\n{\"q\":2}\n", []string{"a.jsonl:2:6", "ends too early"}},
		{"a.jsonl", "[1]\n", []string{"a.jsonl:1:1", "expected an object, found an array"}},
		{"a.jsonl", "{\"q\":1} {\"q\":2}\n", []string{"a.jsonl:1:8", "one object"}},
		{"a.json", "{\"q\":1}", []string{"a.json:1", "expected a JSON array", ".jsonl"}},
		{"a.json", "[{\"q\":1},\n {\"q\":2}", []string{"a.json:2:9", "ends too early"}},
		{"a.json", "[{\"q\":1},\n {\"q\":tru}]", []string{"a.json:2:10"}},
		{"a.json", "[{\"q\":1},\n 5]", []string{"a.json:2:2", "expected an object, found the number 5"}},
		{"a.json", "[{\"q\":1}]\n[]", []string{"a.json:2:1", "after top-level value"}},
		{"a.json", "[]", []string{"a.json", "no rows"}},
		{"a.jsonl", " \n", []string{"a.jsonl", "empty"}},
		{"a.csv", "q\nx\ncaf\xe9\n", []string{"a.csv:3:4", "0xe9", "UTF-8", "iconv"}},
		{"a.xlsx", "x", []string{"a.xlsx", `unknown data format "xlsx"`, "parquet"}},
		{"a.parquet", "PAR1 and then nothing", []string{"a.parquet", "not a whole Parquet file"}},
	} {
		_, err := ReadRows(put(t, t.TempDir(), c.file, c.text), "")
		wants(t, err, c.says...)
	}
	_, err := ReadRows(filepath.Join(t.TempDir(), "none.csv"), "")
	wants(t, err, "none.csv", "no such file")
}

func TestParquet(t *testing.T) {
	type inner struct {
		Text  []string `parquet:"text,list"`
		Start []int32  `parquet:"start"`
	}
	type record struct {
		Q      string    `parquet:"question"`
		Label  int64     `parquet:"label"`
		Weight *float64  `parquet:"weight,optional"`
		OK     bool      `parquet:"ok"`
		In     inner     `parquet:"answers"`
		When   time.Time `parquet:"when,timestamp"`
	}
	w, when := 0.25, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := parquet.WriteFile(path, []record{
		{"one", 1, &w, true, inner{[]string{"a", "b"}, []int32{4}}, when}, {"two", 2, nil, false, inner{}, when},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRows(path, "")
	if err != nil {
		t.Fatal(err)
	}
	want := rows{
		{"question": "one", "label": json.Number("1"), "weight": json.Number("0.25"), "ok": true, "when": json.Number("1709208000000"),
			"answers": map[string]any{"text": []any{"a", "b"}, "start": []any{json.Number("4")}}},
		{"question": "two", "label": json.Number("2"), "weight": nil, "ok": false, "when": json.Number("1709208000000"),
			"answers": map[string]any{"text": []any{}, "start": []any{}}},
	}
	for i := range want {
		if !reflect.DeepEqual(got[i].Fields, want[i]) || got[i].Line != i+1 {
			t.Errorf("row %d is %#v\nwant %#v", i, got[i].Fields, want[i])
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = ReadRows(path, "")
	wants(t, err, "a.parquet", "not a whole Parquet file")
}
